"""The states of an execution one after the other."""

from datetime import UTC, datetime, timedelta

import pytest

from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol.rest import Execution
from zoe_hub.portal.presenters.timeline import SHOWN, Move, timeline

START = datetime(2026, 11, 2, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def moves(*passed: tuple[str, float]) -> list[Move]:
    return [Move(ExecutionStatus(status), at(seconds)) for status, seconds in passed]


def execution() -> Execution:
    return Execution(
        id=1, name="mine", zapp=None, user="ada", status="queued", submitted_at=START, url="/1"
    )


def test_what_has_passed_says_how_long_it_took_and_the_present_counts_on() -> None:
    steps = timeline(execution(), moves(("queued", 2), ("starting", 62)), at(65))
    assert [(each.badge.text, each.lasted, each.now) for each in steps] == [
        ("Submitted", "2 s", False),
        ("Queued", "1 min", False),
        ("Starting", "3 s", True),
        ("Running", "", False),
        ("Ended", "", False),
    ]
    assert steps[2].since == at(62).isoformat()
    assert [each.at is None for each in steps] == [False, False, False, True, True]


@pytest.mark.parametrize("end", ["terminated", "error"])
def test_the_end_lasts_for_ever(end: str) -> None:
    passed = moves(("queued", 1), ("starting", 2), ("running", 3), ("cleaning_up", 63), (end, 64))
    steps = timeline(execution(), passed, at(1000))
    assert [each.lasted for each in steps] == ["1 s", "1 s", "1 s", "1 min", "1 s", ""]
    assert not any(each.now for each in steps)


def test_one_that_was_just_submitted() -> None:
    steps = timeline(execution(), [], at(1))
    assert [each.badge.text for each in steps if each.at is None] == [
        "Queued",
        "Starting",
        "Running",
        "Ended",
    ]
    assert steps[0].now


def test_while_it_cleans_up_only_the_end_is_to_come() -> None:
    steps = timeline(execution(), moves(("running", 1), ("cleaning_up", 2)), at(3))
    assert [each.badge.text for each in steps][-2:] == ["Cleaning up", "Ended"]


def test_of_many_failed_starts_the_newest_are_shown() -> None:
    tries = [(status, n) for n in range(0, 40, 2) for status in ("queued", "starting")]
    steps = timeline(execution(), moves(*tries), at(100))
    assert len(steps) == SHOWN + 2
    assert steps[SHOWN - 1].now
