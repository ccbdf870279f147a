"""Values that people give, put into a description."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zoe_core.zapp.documents import context, spark_3
from zoe_core.zapp import (
    NOTEBOOK_VARIABLE,
    Parameter,
    ZApp,
    ZAppError,
    apply_parameters,
    parse_zapp,
    render_instance,
    zapp_document,
)

WORKERS = Parameter(
    kind="service_count", name="spark-worker", alias="workers", type="int", min=1, max=16, step=1
)
MEMORY = Parameter(
    kind="environment", name="SPARK_WORKER_RAM", type="int", min=1024, max=8192, step=1024
)
NOTE = Parameter(kind="environment", name="NOTE")
FLAG = Parameter(kind="environment", name="FLAG", type="bool", default=False)
SHARE = Parameter(kind="environment", name="SHARE", type="float", min=0, max=1, step=0.1)
PROGRAM = Parameter(kind="command", name="spark-submit", alias="program", default="wc.py in out")
ALL = (WORKERS, MEMORY, NOTE, FLAG, SHARE, PROGRAM)


def spark() -> ZApp:
    return parse_zapp(spark_3()).zapp


def environment_of(zapp: ZApp, name: str) -> dict[str, str]:
    return render_instance(zapp, zapp.service(name), 0, context()).environment


def test_without_values_the_defaults_are_filled_in() -> None:
    zapp = apply_parameters(spark(), ALL, {})
    assert zapp.service("spark-submit").command == "wc.py in out"
    assert environment_of(zapp, "spark-master")["FLAG"] == "false"
    assert zapp.service("spark-worker").total_count == 4
    assert "NOTE" not in environment_of(zapp, "spark-submit")


def test_nothing_to_set_changes_nothing() -> None:
    assert apply_parameters(spark(), (), {}) == spark()


def test_a_count_by_alias_or_by_name_or_as_text() -> None:
    for values in ({"workers": 7}, {"spark-worker": 7}, {"workers": "7"}, {"workers": 7.0}):
        worker = apply_parameters(spark(), ALL, values).service("spark-worker")
        assert (worker.total_count, worker.essential_count) == (7, 1)


def test_the_essential_count_is_clamped_to_the_total() -> None:
    document = spark_3()
    document["services"][1] |= {"total_count": 6, "essential_count": 5}
    worker = apply_parameters(parse_zapp(document).zapp, ALL, {"workers": 2}).service(
        "spark-worker"
    )
    assert (worker.total_count, worker.essential_count) == (2, 2)


def test_a_variable_is_replaced_where_it_is_defined() -> None:
    zapp = apply_parameters(spark(), ALL, {"SPARK_WORKER_RAM": 2048})
    assert environment_of(zapp, "spark-worker")["SPARK_WORKER_RAM"] == "2048"
    assert environment_of(zapp, "spark-submit")["SPARK_WORKER_RAM"] == "2048"
    assert "SPARK_WORKER_RAM" not in environment_of(zapp, "spark-master")


def test_a_variable_that_nobody_defines_goes_to_every_service() -> None:
    zapp = apply_parameters(spark(), ALL, {"NOTE": "hi"})
    assert {environment_of(zapp, s.name)["NOTE"] for s in zapp.services} == {"hi"}


@pytest.mark.parametrize(
    ("values", "name", "text"),
    [
        ({"FLAG": True}, "FLAG", "true"),
        ({"FLAG": "True"}, "FLAG", "true"),
        ({"SHARE": 0.3}, "SHARE", "0.3"),
        ({"SHARE": "0.7"}, "SHARE", "0.7"),
        ({"NOTE": ""}, "NOTE", ""),
        ({"NOTE": "a'b; $(rm)"}, "NOTE", "a'b; $(rm)"),
    ],
)
def test_how_values_are_written(values: dict[str, object], name: str, text: str) -> None:
    zapp = apply_parameters(spark(), ALL, values)
    assert environment_of(zapp, "spark-submit")[name] == text


def test_notebook_parameters_are_one_json_object() -> None:
    parameters = (
        Parameter(kind="notebook", name="rate", type="float", default=0.5),
        Parameter(kind="notebook", name="title"),
        Parameter(kind="notebook", name="unset"),
    )
    zapp = apply_parameters(spark(), parameters, {"title": "{user_name}'s"})
    for service in zapp.services:
        text = environment_of(zapp, service.name)[NOTEBOOK_VARIABLE]
        assert json.loads(text) == {"rate": 0.5, "title": "{user_name}'s"}


def test_a_default_between_two_steps_is_fine_and_may_be_sent_back() -> None:
    odd = Parameter(kind="environment", name="N", type="int", default=5, min=0, max=10, step=2)
    for values in ({}, {"N": 5}, {"N": "5"}):
        assert environment_of(apply_parameters(spark(), [odd], values), "spark-submit")["N"] == "5"


@pytest.mark.parametrize(
    ("values", "field", "fragment"),
    [
        ({"wrokers": 1}, "parameters.wrokers", "is not known: did you mean 'workers'? The known"),
        ({"colour": 1}, "parameters.colour", "is not known: the known ones are FLAG, NOTE"),
        ({"workers": 1, "spark-worker": 2}, "parameters.spark-worker", "given twice"),
        ({"workers": 0}, "parameters.workers", "is 0: must be 1 to 16"),
        ({"workers": 17}, "parameters.workers", "is 17: must be 1 to 16"),
        ({"workers": "many"}, "parameters.workers", "is 'many': must be a whole number"),
        ({"workers": 1.5}, "parameters.workers", "is 1.5: must be a whole number"),
        ({"workers": True}, "parameters.workers", "is true: must be a whole number"),
        ({"workers": None}, "parameters.workers", "is null: must be a whole number"),
        ({"workers": 10**5000}, "parameters.workers", "a number of about 5001 digits"),
        ({"workers": "9" * 30}, "parameters.workers", "must be a whole number"),
        ({"SPARK_WORKER_RAM": 1500}, "parameters.SPARK_WORKER_RAM", "in steps of 1024"),
        ({"FLAG": "maybe"}, "parameters.FLAG", "is 'maybe': must be true or false"),
        ({"FLAG": 1}, "parameters.FLAG", "is 1: must be true or false"),
        ({"SHARE": "nan"}, "parameters.SHARE", "is 'nan': must be a number"),
        ({"SHARE": float("inf")}, "parameters.SHARE", "is inf: must be a number"),
        ({"SHARE": 1.1}, "parameters.SHARE", "is 1.1: must be 0 to 1"),
        ({"SHARE": 0.15}, "parameters.SHARE", "in steps of 0.1"),
        ({"SHARE": []}, "parameters.SHARE", "is a list of 0: must be a number"),
        ({"NOTE": 3}, "parameters.NOTE", "is 3: must be text"),
        ({"NOTE": "\0"}, "parameters.NOTE", "must not contain NUL"),
        ({"NOTE": "x" * 40_000}, "parameters.NOTE", "has 40000 characters"),
        ({"NOTE": "{brace}" * 4_600}, "parameters", "NOTE would have"),
        ({"program": ""}, "parameters.program", "must begin with the name of a program"),
        ({"program": "a 'b"}, "parameters.program", "a quote is not closed"),
        ({"program": "a {dns_name#b0}"}, "services[2].command", "name of an instance"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_are_wrong(values: dict[str, Any], field: str, fragment: str) -> None:
    with pytest.raises(ZAppError) as caught:
        apply_parameters(spark(), ALL, values)
    assert [p for p in caught.value.problems if p.field == field and fragment in p.message], str(
        caught.value
    )


def test_every_wrong_value_is_said_at_once() -> None:
    with pytest.raises(ZAppError) as caught:
        apply_parameters(spark(), ALL, {"workers": 0, "FLAG": 3, "x": 1})
    assert {p.field for p in caught.value.problems} == {
        "parameters.workers",
        "parameters.FLAG",
        "parameters.x",
    }


def test_a_parameter_for_a_service_that_is_not_there() -> None:
    stray = Parameter(kind="service_count", name="nobody", type="int")
    with pytest.raises(ZAppError, match="'nobody', which this ZApp does not have"):
        apply_parameters(spark(), [stray], {"nobody": 2})


def test_a_smaller_count_must_leave_the_instances_that_others_name() -> None:
    document = spark_3()
    document["services"][2]["environment"].append(["LAST", "{dns_name#spark-worker3}"])
    zapp = parse_zapp(document).zapp
    with pytest.raises(ZAppError) as caught:
        apply_parameters(zapp, ALL, {"workers": 2})
    assert caught.value.problems[0].field == "services[2].environment[2]"


PLACEHOLDERS = ("{user_name}", "{brace}", "{dns_name#self}", "{dns_name#", "{", "}", "$", "${")
literal_texts = st.lists(
    st.sampled_from(PLACEHOLDERS) | st.text(max_size=5).filter(lambda text: "\0" not in text)
).map("".join)


@given(literal_texts)
def test_a_persons_text_is_never_expanded(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    zapp = apply_parameters(spark(), ALL, {"NOTE": text})
    stored = parse_zapp(zapp_document(zapp)).zapp
    assert environment_of(stored, "spark-worker")["NOTE"] == text


@given(st.integers(1, 16), st.integers(1, 16), st.integers(1, 16))
def test_a_count_keeps_what_a_description_must_hold(
    total: int, essential: int, wanted: int
) -> None:
    document = spark_3()
    document["services"][1] |= {
        "total_count": max(total, essential),
        "essential_count": essential,
    }
    before = parse_zapp(document).zapp
    zapp = apply_parameters(before, ALL, {"workers": wanted})
    worker = zapp.service("spark-worker")
    assert worker.total_count == wanted
    assert worker.essential_count == min(essential, wanted)
    assert parse_zapp(zapp_document(zapp)).zapp == zapp
    assert zapp.service("spark-master") == apply_parameters(before, ALL, {}).service("spark-master")
