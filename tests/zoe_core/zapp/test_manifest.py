"""Manifests of gallery folders."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zoe_core.zapp.documents import Document
from zoe_core.zapp import ManifestError, parse_manifest, parse_manifest_json

MEMORY = {
    "kind": "environment",
    "name": "SPARK_WORKER_RAM",
    "readable_name": "Worker memory (bytes)",
    "description": "Less than the memory of the worker service",
    "type": "int",
    "default": 11274289152,
    "min": 536870912,
    "max": 68719476736,
    "step": 536870912,
}
KEY = {
    "kind": "environment",
    "name": "PROJECT_KEY",
    "readable_name": "Project key",
    "description": "",
    "type": "string",
    "default": None,
}


def entry(**changes: Any) -> Document:
    return {
        "category": "Data science",
        "name": "Spark notebook",
        "description": "spark.json",
        "readable_descr": "README.md",
        "parameters": [],
    } | changes


def manifest(*entries: Document, **changes: Any) -> Document:
    return {"version": 1, "zapps": list(entries)} | changes


def test_as_the_original_wrote_it() -> None:
    document = manifest(
        entry(parameters=[MEMORY, KEY], disabled_for=["student"], logo="spark.png"),
        entry(name="Lab 1", description="lab.json", readable_descr="README-lab.md"),
    )
    read = parse_manifest_json(json.dumps(document))
    spark, lab = read.zapps
    assert read.warnings == ()
    assert (spark.slug, spark.logo, spark.disabled_for) == (
        "spark-notebook",
        "spark.png",
        ("student",),
    )
    assert (lab.slug, lab.logo, lab.enabled_for) == ("lab-1", "logo.png", ("all",))
    memory, key = spark.parameters
    assert (memory.type, memory.default, memory.step) == ("int", 11274289152, 536870912)
    assert (key.type, key.default) == ("string", None)


def test_what_is_ours() -> None:
    workers = {"kind": "service_count", "name": "spark-worker", "alias": "workers", "default": 2}
    rate = {"kind": "notebook", "name": "rate", "type": "number", "default": 0.5}
    read = parse_manifest(manifest(entry(slug="spark", parameters=[workers, rate])))
    assert read.zapps[0].slug == "spark"
    count, share = read.zapps[0].parameters
    assert (count.key, count.type, count.readable_name) == ("workers", "int", "spark-worker")
    assert (share.key, share.type) == ("rate", "float")


def test_unknown_fields_are_warnings() -> None:
    read = parse_manifest(
        manifest(entry(guest_access=True, parameters=[KEY | {"hidden": True}]), author="me")
    )
    assert [warning.field for warning in read.warnings] == [
        "author",
        "zapps[0].guest_access",
        "zapps[0].parameters[0].hidden",
    ]


@pytest.mark.parametrize(
    ("groups", "changes", "visible"),
    [
        ([], {}, True),
        (["student"], {"disabled_for": ["student"]}, False),
        (["student", "staff"], {"disabled_for": ["student"], "enabled_for": ["staff"]}, False),
        (["staff"], {"enabled_for": ["staff"]}, True),
        (["other"], {"enabled_for": ["staff"]}, False),
        ([], {"enabled_for": ["staff"]}, False),
    ],
)
def test_who_sees_it(groups: list[str], changes: Document, visible: bool) -> None:
    assert parse_manifest(manifest(entry(**changes))).zapps[0].visible_to(groups) is visible


@pytest.mark.parametrize(
    ("document", "field", "fragment"),
    [
        ([], "", "is a list of 0: must be an object"),
        ({"zapps": []}, "version", "is missing: must be 1"),
        ({"version": 2, "zapps": []}, "version", "is 2: must be 1"),
        ({"version": 1}, "zapps", "is missing"),
        (manifest(zapps={}), "zapps", "must be a list"),
        (manifest(3), "zapps[0]", "is 3: must be an object"),  # type: ignore[arg-type]
        (manifest(entry(name=3)), "zapps[0].name", "is 3: must be text"),
        (manifest(entry(name="日本")), "zapps[0].slug", "must be lower-case letters"),
        (manifest(entry(slug="A b")), "zapps[0].slug", "is 'A b'"),
        (manifest(entry(slug=1)), "zapps[0].slug", "is 1: must be text"),
        (manifest(entry(), entry()), "zapps[1].slug", "another ZApp here has it"),
        (manifest(entry(description="../zapp.json")), "zapps[0].description", "same folder"),
        (manifest(entry(readable_descr="/etc/passwd")), "zapps[0].readable_descr", "same folder"),
        (manifest(entry(logo=".hidden")), "zapps[0].logo", "same folder"),
        (manifest(entry(category="")), "zapps[0].category", "has 0 characters"),
        (manifest(entry(disabled_for=3)), "zapps[0].disabled_for", "must be a list"),
        (manifest(entry(parameters={})), "zapps[0].parameters", "must be a list"),
    ],
)
def test_what_is_wrong_with_it(document: object, field: str, fragment: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(document)
    assert [p for p in caught.value.problems if p.field == field and fragment in p.message]


@pytest.mark.parametrize(
    ("changes", "field", "fragment"),
    [
        ({"kind": "label"}, "kind", "is 'label': must be"),
        ({"name": ""}, "name", "has 0 characters"),
        ({"name": "A B"}, "name", "must be the name of an environment variable"),
        ({"kind": "notebook", "name": "a-b"}, "name", "variable of the notebook"),
        ({"alias": "Up"}, "alias", "must be lower-case letters"),
        ({"type": "colour"}, "type", '"string", "int", "float" or "bool"'),
        ({"kind": "command"}, "type", "must be 'string' for the kind 'command'"),
        ({"kind": "service_count", "type": "float"}, "type", "must be 'int' for the kind"),
        ({"min": "1"}, "min", "is '1': must be a number"),
        ({"min": 10**400}, "min", "a number of about 401 digits"),
        ({"max": 1}, "min", "must be at most max, 1"),
        ({"step": 0}, "step", "is 0: must be more than 0"),
        ({"file": "py"}, "file", "how the names of files end, such as .py"),
        ({"file": ".py"}, "file", "must be left out unless the type is 'string'"),
        ({"default": []}, "default", "is a list of 0: must be a text"),
        ({"default": "many"}, "default", "is 'many': must be a whole number"),
        ({"default": 1}, "default", "is 1: must be 536870912 to 68719476736"),
    ],
)
def test_what_is_wrong_with_a_parameter(changes: Document, field: str, fragment: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(manifest(entry(parameters=[MEMORY | changes])))
    at = f"zapps[0].parameters[0].{field}"
    assert [p for p in caught.value.problems if p.field == at and fragment in p.message]


def test_two_parameters_must_not_answer_to_one_name() -> None:
    command = {"kind": "command", "name": "main"}
    count = {"kind": "service_count", "name": "main"}
    with pytest.raises(ManifestError, match="give this one an alias"):
        parse_manifest(manifest(entry(parameters=[command, count])))
    parse_manifest(manifest(entry(parameters=[command, count | {"alias": "mains"}])))


def test_text_that_is_not_json() -> None:
    with pytest.raises(ManifestError, match="line 1, column 2"):
        parse_manifest_json("{")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"version": st.just(1)},
        optional={
            "zapps": json_values
            | st.lists(
                st.fixed_dictionaries({}, optional=dict.fromkeys(entry(), json_values)),
                max_size=2,
            )
        },
    )
)
def test_arbitrary_manifests_are_read_or_explained(document: Document) -> None:
    with suppress(ManifestError):
        assert parse_manifest(document).version == 1
