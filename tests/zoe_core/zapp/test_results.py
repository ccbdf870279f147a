"""What an execution leaves in the workspace: declared in a manifest or a description."""

from __future__ import annotations

import pytest

from tests.zoe_core.zapp.documents import Document
from tests.zoe_core.zapp.test_manifest import entry, manifest
from zoe_core.zapp import (
    ManifestError,
    Parameter,
    Result,
    ZAppError,
    apply_parameters,
    parse_manifest,
    parse_zapp,
    render_results,
    zapp_document,
)

NOTEBOOK = Parameter(kind="environment", name="ZOE_NOTEBOOK", alias="notebook", default="a.ipynb")
MONTH = Parameter(kind="environment", name="MONTH", alias="month", type="int")
COPY = Result(name="Copy", path="{notebook dir}/runs/{notebook stem}-{execution_id}.ipynb")


def document(*results: Document, version: int = 4) -> Document:
    service = {
        "name": "main",
        "image": "image",
        "monitor": True,
        "total_count": 1,
        "essential_count": 1,
        "command": "run",
    }
    return {"name": "job", "version": version, "services": [service], "results": list(results)}


def paths(result: Result, **values: object) -> list[str]:
    """Where the result of execution 42, called ``mine``, is."""
    zapp = apply_parameters(parse_zapp(document()).zapp, (NOTEBOOK, MONTH), values, [result])
    stored = parse_zapp(zapp_document(zapp)).zapp
    return [each.path for each in render_results(stored.results, 42, "mine")]


@pytest.mark.parametrize(
    ("notebook", "path"),
    [
        ("report.ipynb", "runs/report-42.ipynb"),
        ("reports/may.ipynb", "reports/runs/may-42.ipynb"),
        ("./reports//may.ipynb", "reports/runs/may-42.ipynb"),
        ("reports/../may.ipynb", "runs/may-42.ipynb"),
        ("a.b/may 5.v2.ipynb", "a.b/runs/may 5.v2-42.ipynb"),
        ("{execution_id}.ipynb", "runs/{execution_id}-42.ipynb"),
        ("{user_name}/{brace}.ipynb", "{user_name}/runs/{brace}-42.ipynb"),
        ("{month}.ipynb", "runs/{month}-42.ipynb"),
    ],
)
def test_a_path_from_a_parameter(notebook: str, path: str) -> None:
    assert paths(COPY, notebook=notebook) == [path]


def test_the_default_of_a_parameter_counts() -> None:
    assert paths(COPY) == ["runs/a-42.ipynb"]


def test_the_whole_value_and_the_name_of_the_execution() -> None:
    result = Result(name="Table", path="tables/{month}/{execution_name}.csv")
    assert paths(result, month=5) == ["tables/5/mine.csv"]
    assert paths(result) == []  # nobody knows where it is


@pytest.mark.parametrize("notebook", ["../x.ipynb", "/etc/x.ipynb", "a/../../x.ipynb", "", "."])
def test_a_value_that_leads_out_of_the_workspace_is_refused(notebook: str) -> None:
    with pytest.raises(ZAppError) as caught:
        paths(COPY, notebook=notebook)
    [problem] = caught.value.problems
    assert problem.field == "parameters.notebook"
    assert "must be a path within the workspace" in problem.message


def test_a_description_may_say_it_itself() -> None:
    zapp = parse_zapp(document({"name": "Log", "path": "logs/{execution_id}.txt"})).zapp
    assert render_results(zapp.results, 7, "x") == (Result(name="Log", path="logs/7.txt"),)


def test_version_3_does_not_know_it() -> None:
    parsed = parse_zapp(document({"name": "Log", "path": "x"}, version=3))
    assert parsed.zapp.results == ()
    assert "results" in {warning.field for warning in parsed.warnings}


@pytest.mark.parametrize(
    ("result", "field", "message"),
    [
        ({"name": "x", "path": "/etc/passwd"}, "results[0].path", "within the workspace"),
        ({"name": "x", "path": "../x"}, "results[0].path", "within the workspace"),
        ({"name": "x", "path": "{user_name}"}, "results[0].path", "are {execution_id} and"),
        ({"name": "x", "path": "{dns_name#self}"}, "results[0].path", "placeholders of a result"),
        ({"name": "x", "path": "a\nb"}, "results[0].path", "a path on one line"),
        ({"name": "x"}, "results[0].path", "is missing"),
        (
            {"name": "x", "path": "a", "url": "b"},
            "results[0].url",
            "the fields here are name, path",
        ),
    ],
)
def test_what_is_wrong_in_a_description(result: Document, field: str, message: str) -> None:
    with pytest.raises(ZAppError) as caught:
        parse_zapp(document(result))
    assert [p for p in caught.value.problems if p.field == field and message in p.message], str(
        caught.value
    )


def test_a_manifest_names_its_own_parameters() -> None:
    parameters = [{"kind": "environment", "name": "ZOE_NOTEBOOK", "alias": "notebook"}]
    known = {"parameters": parameters, "results": [COPY.model_dump()]}
    assert parse_manifest(manifest(entry(**known))).zapps[0].results == (COPY,)
    wrong = {"parameters": parameters, "results": [{"name": "x", "path": "{month}.csv"}]}
    with pytest.raises(ManifestError) as caught:
        parse_manifest(manifest(entry(**wrong)))
    [problem] = caught.value.problems
    assert problem.field == "zapps[0].results[0].path"
    assert (
        "contains {month}: the placeholders are {execution_id}, {execution_name}, {notebook}"
        in (problem.message)
    )


def test_one_parameter_holds_variables() -> None:
    holder = {"kind": "notebook", "name": "first", "type": "object"}
    two = entry(parameters=[holder, holder | {"name": "second"}])
    with pytest.raises(ManifestError, match="one is enough, 'first' is it"):
        parse_manifest(manifest(two))
    with pytest.raises(ManifestError, match="must be 'string', 'int', 'float' or 'bool'"):
        parse_manifest(manifest(entry(parameters=[holder | {"kind": "environment"}])))
