"""Other numbers of instances that the launch form offers."""

from typing import Any

import pytest

from tests.support.builders import service, zapp
from zoe_core.protocol.rest import ExpectedStart
from zoe_core.zapp import Parameter, Problem
from zoe_hub.portal.presenters.estimate import choices, other_counts, would_be_refused
from zoe_hub.portal.presenters.expected import When, when

ZAPP = zapp(service(elastic=3))  # four instances of `main`
LATER = ExpectedStart(status="later", low_s=480, mid_s=720, high_s=1200, text="In about 12 min.")
SURE = ExpectedStart(
    status="later", low_s=720, mid_s=720, high_s=720, text="Starts in about 12 min."
)
UNKNOWN = ExpectedStart(status="unknown", text="No estimate.")


def count(**fields: Any) -> Parameter:
    """A parameter that sets the number of instances."""
    document = {"kind": "service_count", "name": "main", "alias": "workers", **fields}
    return Parameter.model_validate(document)


@pytest.mark.parametrize(
    ("parameter", "entered", "offered"),
    [
        (count(min=1, max=16, default=4), "", [1, 2, 8, 16]),
        (count(min=1, max=16, default=4), "6", [2, 3, 12, 16]),
        (count(min=1, max=16, default=4), "4000", [16]),
        (count(min=4, max=4, default=4), "", []),
        (count(), "", [1, 2, 8, 16]),  # as many as the description has
        (count(), "1", [2, 4]),
        (count(min=2, max=20, step=6), "8", [2, 14, 20]),
        (count(min=1, max=16, default=4), "many", []),
        (count(min=1, max=16, default=4), "-3", []),
        (count(min=1, max=16, default=4), "4.5", []),
        (count(min=1, max=16, default=4), "9" * 5000, []),
    ],
)
def test_some_fewer_and_some_more(parameter: Parameter, entered: str, offered: list[int]) -> None:
    found = list(other_counts(ZAPP, [parameter], {"workers": entered}))
    assert found == [(parameter, each) for each in offered]


def test_only_numbers_of_instances_are_offered() -> None:
    text = Parameter.model_validate({"kind": "environment", "name": "N", "type": "int"})
    assert list(other_counts(ZAPP, [text], {"N": "4"})) == []


def test_choices_stand_in_a_row_for_each_parameter() -> None:
    workers, others = count(readable_name="Workers"), count(name="other", alias="others")
    asked = [(workers, 2), (workers, 8), (others, 1)]
    now = ExpectedStart(status="now", low_s=0, mid_s=0, high_s=0, text="Starts now.")
    first, second = choices(asked, [now, LATER, UNKNOWN])
    assert first.label == "Workers"
    assert [(each.value, each.when) for each in first.choices] == [
        ("2", "now"),
        ("8", "in about 12 min"),
    ]
    assert first.choices[0].name == "parameter.workers"
    assert [each.when for each in second.choices] == ["no estimate"]


@pytest.mark.parametrize(
    ("start", "shown"),
    [
        (LATER, When("Starts in about 12 min,", "between 8 and 20 min.")),
        (SURE, When("Starts in about 12 min.")),
        (UNKNOWN, When("No estimate.", known=False)),
    ],
)
def test_the_range_stands_apart(start: ExpectedStart, shown: When) -> None:
    assert when(start) == shown


def test_a_refusal_names_the_field_as_the_form_does() -> None:
    problem = Problem("parameters.workers", "is 9: must be 1 to 4")
    said = would_be_refused([problem], [count(readable_name="Workers")])
    assert said == "This would be refused. Workers is 9: must be 1 to 4."
