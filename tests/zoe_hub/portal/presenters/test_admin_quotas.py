"""The form of a quota: people's units, what was entered, and what is wrong with it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from zoe_core.cluster import NO_LIMIT, Quota
from zoe_core.protocol import rest_admin
from zoe_hub.portal.presenters.admin_quotas import (
    AS_DEFAULT,
    AT_MOST,
    as_entered,
    form,
    in_words,
    read,
)
from zoe_hub.portal.presenters.admin_quotas import (
    NO_LIMIT as UNLIMITED,
)

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def document(**limits: Any) -> rest_admin.Quota:
    return rest_admin.Quota.of("user", "ada", Quota(**limits), NOW, "olga")


def at_most(name: str, value: str) -> dict[str, str]:
    return {f"{name}.mode": AT_MOST, f"{name}.value": value}


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"executions": 3, "memory": 3 * 2**29, "millicores": 1500, "gpus": 0},
        {"memory": NO_LIMIT, "runtime_limit": 5400, "weight": 2.5},
        {"executions": NO_LIMIT, "millicores": NO_LIMIT, "gpus": NO_LIMIT},
        {"runtime_limit": 1, "memory": 1, "millicores": 1, "weight": 1e-6},
        {"runtime_limit": 100, "memory": 1_500_000_000, "weight": 1 / 3},
    ],
)
def test_what_is_shown_and_sent_again_is_the_same(limits: dict[str, Any]) -> None:
    entered = read(as_entered(document(**limits)))
    assert entered.errors == {}
    assert entered.limits.quota() == Quota(**limits)


def test_units_are_those_of_people() -> None:
    given = at_most("memory", "1,5") | at_most("runtime_limit", "0.5") | at_most("cores", "2")
    assert read(given).document == {"memory": 3 * 2**29, "runtime_limit": 1800, "cores": 2.0}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("memory", "", "Enter a number of GB, or choose another limit."),
        ("memory", "lots", "“lots” is not a number: enter one such as 1.5."),
        ("memory", "nan", "is not a number"),
        ("memory", "-1", "It must be 0 or more, and at most 8589934591 of GB."),
        ("executions", "1.5", "It must be a whole number of executions."),
        ("executions", "1e30", "at most 2147483647"),
        ("runtime_limit", "0", "It must be more than 0"),
        ("weight", "0", "It must be more than 0, and at most 1000000."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(name: str, value: str, said: str) -> None:
    entered = read(at_most(name, value) | at_most("gpus", "1"))
    assert list(entered.errors) == [name]
    assert said in entered.errors[name]
    shown = form("user", "ada", at_most(name, value), exists=False, errors=entered.errors)
    (wrong,) = (each for each in shown.fields if each.error)
    assert (wrong.name, wrong.value, shown.wrong) == (name, value, True)


def test_the_largest_that_may_be_entered_can_be_stored() -> None:
    given: dict[str, str] = {}
    for name, most in (
        ("executions", "2147483647"),
        ("memory", "8589934591"),
        ("cores", "2147483"),
        ("gpus", "2147483647"),
        ("runtime_limit", "596523"),
        ("weight", "1000000"),
    ):
        given |= at_most(name, most)
    entered = read(given)
    assert entered.errors == {}
    assert entered.limits.executions == 2**31 - 1


def test_the_default_quota_cannot_be_as_the_default() -> None:
    shown = form("default", "default", {}, exists=False)
    assert [[choice.value for choice in each.choices] for each in shown.fields[:2]] == [
        [UNLIMITED, AT_MOST]
    ] * 2
    assert shown.fields[0].chosen == UNLIMITED
    assert shown.fields[-1].chosen == AS_DEFAULT, "the weight is 1"


def test_a_quota_in_words() -> None:
    assert in_words(document()) == ["says nothing"]
    said = in_words(document(memory=NO_LIMIT, gpus=2, runtime_limit=3600, weight=2.0))
    assert said == ["no limit on memory", "at most 2 GPUs", "at most 1 h each", "weight 2"]
    assert in_words(document(runtime_limit=1)) == ["at most 1 s each"]
