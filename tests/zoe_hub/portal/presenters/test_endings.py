"""Warnings before something is ended, and how much longer it may run."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zoe_core.protocol.rest import Execution
from zoe_hub.portal.presenters.endings import ending, endings, extensions, lead

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = 3600


def running(left: int | None, number: int = 1, **fields: Any) -> Execution:
    """One that is ended in so many seconds."""
    about = {
        "id": number,
        "name": "mine",
        "zapp": None,
        "user": "ada",
        "status": "running",
        "submitted_at": NOW,
        "url": f"/executions/{number}",
        "runtime_limit": HOUR,
        "ends_at": None if left is None else NOW + timedelta(seconds=left),
        "ends_because": None if left is None else "runtime_limit",
    }
    return Execution.model_validate(about | fields)


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [(None, 15), (60, 15), (HOUR, 15), (3 * HOUR, 18), (5 * HOUR, 30), (100 * HOUR, 30)],
)
def test_a_warning_comes_a_quarter_of_an_hour_before_or_a_tenth_of_the_limit(
    limit: int | None, minutes: int
) -> None:
    assert lead(limit) == timedelta(minutes=minutes)


def test_it_is_due_from_its_moment_on() -> None:
    early, due = ending(running(901), NOW), ending(running(900), NOW)
    assert early is not None
    assert due is not None
    assert (early.due, due.due) == (False, True)
    assert early.warn_at == "2026-11-02T12:00:01+00:00"
    assert (due.left, due.limit) == ("15 min", "1 h")


def test_what_nothing_ends_and_what_is_ending_already_is_no_warning() -> None:
    assert ending(running(None), NOW) is None
    assert ending(running(60, status="cleaning_up"), NOW) is None


def test_the_next_one_is_first() -> None:
    found = endings([running(900, 1), running(None, 2), running(60, 3)], NOW)
    assert [each.id for each in found] == [3, 1]


def test_what_idles_can_be_kept_but_not_extended() -> None:
    found = ending(running(60, ends_because="idle", longest_runtime=9 * HOUR), NOW)
    assert found is not None
    assert found.idle
    assert found.extensions == ()


@pytest.mark.parametrize(
    ("limit", "longest", "offered"),
    [
        (HOUR, None, {"+1 h": 2 * HOUR, "+4 h": 5 * HOUR}),
        (HOUR, 24 * HOUR, {"+1 h": 2 * HOUR, "+4 h": 5 * HOUR}),
        (HOUR, 5 * HOUR, {"+1 h": 2 * HOUR, "+4 h": 5 * HOUR}),
        (HOUR, 3 * HOUR, {"+1 h": 2 * HOUR, "+2 h": 3 * HOUR}),
        (HOUR, 2 * HOUR, {"+1 h": 2 * HOUR}),
        (HOUR, HOUR + 600, {"+10 min": HOUR + 600}),
        (HOUR, HOUR, {}),
        (None, None, {}),
    ],
)
def test_it_may_run_on_as_far_as_the_quota_goes(
    limit: int | None, longest: int | None, offered: dict[str, int]
) -> None:
    assert {each.label: each.runtime_limit for each in extensions(limit, longest)} == offered
