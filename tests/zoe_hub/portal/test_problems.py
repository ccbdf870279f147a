"""What callers are told when a part is away, and when they may come back."""

import logging

import pytest

from zoe_hub.link import MasterAway
from zoe_hub.portal.problems import HubAway, explain_failure
from zoe_store.database import DatabaseAway, DatabaseBusy, DatabaseFull


@pytest.mark.parametrize(
    ("error", "detail", "retry_after", "level"),
    [
        (DatabaseAway("internals"), "The database does not answer.", 5, logging.WARNING),
        (DatabaseBusy("internals"), "The database has too much to do.", 5, logging.WARNING),
        (DatabaseFull("internals"), "The database's disk is full: nothing can", 30, logging.ERROR),
        (HubAway("internals"), "JupyterHub does not answer. What was stored is", 5, 30),
        (MasterAway("it is away since then"), "Not now: it is away since then.", 5, 30),
    ],
)
def test_a_part_that_is_away(
    error: Exception,
    detail: str,
    retry_after: int,
    level: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failure = explain_failure(error, 500, "POST /executions")
    assert failure.document.status == 503
    assert failure.document.detail.startswith(detail)
    assert "internals" not in failure.document.detail
    assert failure.retry_after == retry_after
    [record] = caplog.records
    assert record.levelno == level
    assert str(error) in record.getMessage()
    assert "POST /executions" in record.getMessage()
