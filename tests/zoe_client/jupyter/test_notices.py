"""What the pages of a Jupyter server are told of its end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zoe_client.jupyter.notices import lead, longer_limit, notice
from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol.rest import Execution
from zoe_hub.portal.presenters import endings

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = 3600


def server(**known: Any) -> Execution:
    return Execution(
        id=7,
        name="lab",
        zapp="jupyter",
        user="alice",
        status=ExecutionStatus.RUNNING,
        submitted_at=START,
        started_at=START,
        url="/executions/7",
        **known,
    )


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_nothing_ends_it() -> None:
    assert notice(server(), START) == {"left": None}


def test_idleness_is_said_at_once() -> None:
    told = notice(server(ends_at=at(900), ends_because="idle"), at(30))
    assert told == {"left": 870, "warn_in": 0, "because": "idle", "more": None, "limit": None}


@pytest.mark.parametrize(
    ("limit", "passed", "warn_in"),
    [
        (2 * HOUR, 0, 2 * HOUR - 900),
        (2 * HOUR, 2 * HOUR - 900, 0),
        (2 * HOUR, 2 * HOUR - 60, 0),
        (4 * HOUR, 0, 4 * HOUR - 1440),
        (10 * HOUR, 0, 10 * HOUR - 1800),
        (600, 0, 0),
    ],
)
def test_a_page_warns_in_time_before_the_limit(limit: int, passed: int, warn_in: int) -> None:
    known = server(ends_at=at(limit), ends_because="runtime_limit", runtime_limit=limit)
    told = notice(known, at(passed))
    assert told == {
        "left": limit - passed,
        "warn_in": warn_in,
        "because": "runtime_limit",
        "more": HOUR,
        "limit": limit + HOUR,
    }


@pytest.mark.parametrize(
    ("limit", "longest", "longer"),
    [
        (HOUR, None, 2 * HOUR),
        (HOUR, 8 * HOUR, 2 * HOUR),
        (HOUR, HOUR + 60, HOUR + 60),
        (HOUR, HOUR, HOUR),
    ],
)
def test_it_gets_an_hour_as_far_as_the_quota_goes(
    limit: int, longest: int | None, longer: int
) -> None:
    known = server(
        runtime_limit=limit,
        longest_runtime=longest,
        ends_at=at(limit),
        ends_because="runtime_limit",
    )
    assert longer_limit(known) == longer
    assert notice(known, START)["more"] == longer - limit


@pytest.mark.parametrize("limit", [1, 600, 2 * HOUR, 9000, 4 * HOUR, 24 * HOUR])
def test_a_notebook_warns_when_the_pages_of_the_portal_do(limit: int) -> None:
    assert timedelta(seconds=lead(limit)) == endings.lead(limit)
