"""Executions as rows of a list."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.protocol.rest import Execution, Waiting
from zoe_hub.portal.presenters.executions import badge, rows, zapp_title

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def execution(**changes: Any) -> Execution:
    return Execution.model_validate(
        {
            "id": 7,
            "name": "report",
            "zapp": "spark-job",
            "user": "ada",
            "status": "running",
            "submitted_at": NOW - timedelta(minutes=5),
            "url": "/services/zoe/executions/7",
            **changes,
        }
    )


@pytest.mark.parametrize("status", list(ExecutionStatus))
def test_every_state_has_a_badge_and_only_live_ones_can_be_stopped(status: ExecutionStatus) -> None:
    (row,) = rows([execution(status=status)], {}, NOW)
    assert row.badge == badge(status)
    assert row.live is (status not in FINAL)
    assert row.stoppable is (row.live and status is not ExecutionStatus.CLEANING_UP)


def test_a_row_tells_when_and_for_how_long() -> None:
    (row,) = rows(
        [execution(started_at=NOW - timedelta(seconds=185))], {"spark-job": "Spark job"}, NOW
    )
    assert (row.zapp, row.submitted.ago, row.lasted) == ("Spark job", "5 min ago", "3 min 5 s")


def test_pages_count_on_from_the_start_of_what_still_runs() -> None:
    started = NOW - timedelta(seconds=185)
    running, ended = rows(
        [execution(started_at=started), execution(started_at=started, ended_at=NOW)], {}, NOW
    )
    assert running.since == "2026-11-22T11:56:55+00:00"
    assert ended.since == ""


def test_what_never_started_lasted_nothing() -> None:
    assert rows([execution(status="queued")], {}, NOW)[0].lasted == ""


def test_the_note_is_the_place_in_the_queue_or_the_reason_of_the_end() -> None:
    queued = execution(status="queued", waiting=Waiting(position=3))
    ended = execution(status="error", reason="It ran out of memory.")
    notes = [row.note for row in rows([queued, ended, execution()], {}, NOW)]
    assert notes == ["Number 3 in the queue", "It ran out of memory.", ""]


def test_a_zapp_that_left_the_gallery_is_called_by_its_slug() -> None:
    assert zapp_title(execution(), {}) == "spark-job"
    assert zapp_title(execution(zapp=None), {}) == "Own description"
