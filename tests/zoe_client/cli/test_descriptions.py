"""What people write for a launch, read: parameters, and descriptions of their own."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from zoe_client.cli._descriptions import is_file, read_description, split_parameters, typed
from zoe_core.protocol.rest import Parameter

WORKERS = Parameter(name="worker", alias="workers", label="", kind="service_count", type="int")
VERBOSE = Parameter(name="VERBOSE", label="", kind="environment", type="bool")
PROGRAM = Parameter(name="PROGRAM", alias="program", label="", kind="environment", type="string")
VARIABLES = Parameter(name="variables", label="", kind="notebook", type="object")


@pytest.mark.parametrize("text", ["1e999", "-1e999"])
def test_a_number_that_is_too_large_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(click.UsageError, match=f"-p workers: is '{text}': must be a number"):
        typed({"workers": text}, [WORKERS])


def test_values_are_of_the_type_that_the_zapp_says() -> None:
    given = {"workers": "4", "VERBOSE": "true", "program": "7", "other": "5"}

    assert typed(given, [WORKERS, VERBOSE, PROGRAM]) == {
        "workers": 4,
        "VERBOSE": True,
        "program": "7",
        "other": "5",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("0.5", 0.5), ('"5"', "5"), ("true", True), ("May", "May"), ("NaN", "NaN")],
)
def test_variables_of_a_notebook_are_numbers_when_they_look_so(text: str, value: object) -> None:
    assert typed({"month": text}, [VARIABLES]) == {"month": value}


def test_a_value_that_does_not_look_like_its_type_is_for_zoe_to_refuse() -> None:
    assert typed({"workers": "many", "variables": '{"a": 1}'}, [WORKERS, VARIABLES]) == {
        "workers": "many",
        "variables": '{"a": 1}',
    }


def test_a_value_may_have_anything_in_it() -> None:
    assert split_parameters(["a=b=c", "d="]) == {"a": "b=c", "d": ""}


@pytest.mark.parametrize(
    ("zapp", "file"),
    [("spark-job", False), ("-", True), ("job.json", True), ("./job", True), ("a/b", True)],
)
def test_a_file_is_told_from_a_slug(zapp: str, file: bool) -> None:
    assert is_file(zapp) is file


@pytest.mark.parametrize(
    ("text", "said"),
    [("[]", "is no JSON object"), ("{", "is not JSON"), ('{"a": 1, "a": 2}', "job.json")],
)
def test_a_file_that_is_no_description_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "job.json"
    file.write_text(text)

    with pytest.raises(click.UsageError, match=said):
        read_description(str(file))
