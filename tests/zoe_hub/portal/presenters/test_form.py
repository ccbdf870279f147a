"""The launch form."""

from typing import Any

import pytest

from zoe_core.zapp import Parameter, Problem
from zoe_hub.portal.presenters.form import Field, as_launched, launch_form, read_parameters


def parameter(**document: Any) -> Parameter:
    return Parameter.model_validate({"kind": "environment", "name": "N", **document})


def field_of(**document: Any) -> Field:
    return launch_form("x", [parameter(**document)]).parameters[0]


WORKERS = parameter(
    kind="service_count",
    name="spark-worker",
    alias="workers",
    readable_name="Workers",
    description="How many.",
    default=2,
    max=16,
)
PROGRAM = parameter(name="PROGRAM", alias="program", default="pi")
VERBOSE = parameter(name="VERBOSE", alias="verbose", type="bool", default=True)
VARIABLES = parameter(
    kind="notebook", name="parameters", type="object", readable_name="Variables", default=""
)
ALL = [WORKERS, PROGRAM, VERBOSE]


def test_a_number_says_its_limits_to_the_browser() -> None:
    assert launch_form("x", ALL).parameters[0] == Field(
        name="parameter.workers",
        id="field-0",
        control="number",
        label="Workers",
        help="How many.",
        value="2",
        required=True,
        least="1",
        most="16",
        step="1",
        inputmode="numeric",
    )


@pytest.mark.parametrize(
    ("document", "step"),
    [
        ({"type": "int", "default": 3}, "1"),
        ({"type": "float", "default": 0.5}, "any"),
        ({"type": "float", "min": 0, "step": 0.05, "default": 0.5}, "0.05"),
        ({"type": "int", "min": 1, "step": 2, "default": 4}, "any"),  # a browser would refuse 4
        ({"type": "int", "step": 2, "default": 3}, "any"),  # it would count from 3, we from 0
        ({"type": "int", "min": 0, "step": 2}, "any"),
    ],
)
def test_a_browser_may_insist_on_a_step_only_where_it_counts_as_we_do(
    document: dict[str, Any], step: str
) -> None:
    assert field_of(**document).step == step


def test_controls_follow_the_types() -> None:
    controls = [each.control for each in launch_form("x", ALL).parameters]
    assert controls == ["number", "text", "checkbox"]
    assert launch_form("x", ALL).parameters[2].checked
    assert field_of(type="float").inputmode == "decimal"


def test_a_value_without_a_default_may_stay_empty() -> None:
    field = field_of(type="int")
    assert (field.value, field.required) == ("", False)


def test_what_was_entered_is_shown_again_with_the_message_next_to_it() -> None:
    given = {"name": "mine", "parameter.workers": "99", "parameter.program": "<b>"}
    form = launch_form("x", ALL, given, [Problem("parameters.workers", "is '99': must be 1 to 16")])
    workers, program, verbose = form.parameters
    assert form.name.value == "mine"
    assert (workers.value, workers.error) == ("99", "It is '99': must be 1 to 16.")
    assert (program.value, program.error) == ("<b>", "")
    assert not verbose.checked  # a box that is not ticked is not sent
    assert (form.wrong, form.problems) == (1, ())


def test_a_problem_of_no_field_is_said_above_the_form() -> None:
    found = [
        Problem("services[1].resources", "worker needs 64 GB; the largest node has 8 GB"),
        Problem("priority", "is 'high': this needs a scope"),
    ]
    assert launch_form("x", ALL, {}, found).problems == (
        "worker needs 64 GB; the largest node has 8 GB.",
        "priority is 'high': this needs a scope.",
    )


def test_a_problem_of_the_name_stands_at_the_name() -> None:
    form = launch_form("x", [], {"name": "a/b"}, [Problem("name", "contains '/': may not")])
    assert form.name.error == "It contains '/': may not."
    assert form.wrong == 1


def test_values_are_read_by_key() -> None:
    given = {"parameter.workers": "3", "parameter.program": "a.py", "parameter.verbose": "true"}
    assert read_parameters(ALL, given) == {"workers": "3", "program": "a.py", "verbose": "true"}


def test_empty_numbers_are_not_given_and_empty_boxes_are_false() -> None:
    given = {"parameter.workers": "", "parameter.program": "", "parameter.other": "x"}
    assert read_parameters(ALL, given) == {"program": "", "verbose": "false"}


def test_an_empty_text_that_had_no_default_leaves_the_description_alone() -> None:
    assert read_parameters([parameter(alias="free")], {"parameter.free": ""}) == {}


def test_variables_of_a_notebook_are_lines() -> None:
    text = "month = 5\nname = May"
    given = {"parameter.parameters": text}
    [field] = launch_form("x", [VARIABLES], given).parameters
    assert (field.control, field.value, field.required) == ("lines", text, False)
    assert read_parameters([VARIABLES], given) == {"parameters": text}
    assert read_parameters([VARIABLES], {"parameter.parameters": ""}) == {}


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({}, ""),
        ({"parameters": "month=5"}, "month=5"),
        ({"month": 5, "name": "May"}, 'month = 5\nname = "May"'),
        ({"parameters": '{"year": 2026}', "month": 5}, "year = 2026\nmonth = 5"),
        ({"parameters": "of an older Zoe", "month": 5}, "month = 5"),
    ],
)
def test_a_launch_again_has_all_variables_as_lines(given: dict[str, Any], lines: str) -> None:
    entered = as_launched([PROGRAM, VARIABLES], "mine", {"program": "a.py", **given})
    assert entered["parameter.parameters"] == lines
    assert entered["parameter.program"] == "a.py"
