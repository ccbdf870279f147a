"""Writing the audit log down: over an absence of the database nothing is lost."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.waiting import eventually_async
from zoe_hub import audit_log
from zoe_hub.audit_log import AuditLog
from zoe_store.audit import Deed, Outcome, find
from zoe_store.database import Database, DatabaseAway


def deed(number: int, outcome: Outcome = "done") -> Deed:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Deed(at, "ada", "user", "launch", f"executions/{number}", outcome)


async def test_many_at_once_are_all_written_in_order(database: Database) -> None:
    log = AuditLog(database)
    await asyncio.gather(*(log.write(deed(number)) for number in range(500)))
    await log.close()
    found = [each.deed for each in find(database, limit=1000)]
    assert found == [deed(number) for number in reversed(range(500))]


async def test_what_is_done_while_the_database_is_away_is_written_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = audit_log.record
    away = True

    def sometimes(*args: object) -> None:
        if away:
            raise DatabaseAway("it does not answer")
        record(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(audit_log, "record", sometimes)
    monkeypatch.setattr(audit_log, "TRY_AGAIN", 0.01)
    log = AuditLog(database)
    await asyncio.gather(log.write(deed(1)), log.write(deed(2)))  # nobody waits for its return
    assert find(database) == []
    away = False
    await eventually_async(lambda: len(find(database)) == 2)
    await log.close()


async def test_what_was_written_in_doubt_is_there_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = audit_log.record
    doubts = iter([True])

    def in_doubt(*args: object) -> None:
        record(*args)  # type: ignore[arg-type]
        if next(doubts, False):
            raise DatabaseAway("the connection broke during the commit")

    monkeypatch.setattr(audit_log, "record", in_doubt)
    monkeypatch.setattr(audit_log, "TRY_AGAIN", 0.01)
    log = AuditLog(database)
    await asyncio.gather(log.write(deed(1)), log.write(deed(2)))
    await log.write(deed(3))
    await eventually_async(lambda: log.waiting == 0)
    await log.close()
    found = [each.deed for each in reversed(find(database))]
    assert found == [deed(1), deed(2), deed(3)]


async def test_what_the_database_never_takes_keeps_back_nothing_else(database: Database) -> None:
    log = AuditLog(database)
    wrong = replace(deed(1), detail={"name": "a\0"})
    await asyncio.gather(*(log.write(each) for each in (deed(0), wrong, deed(2))))
    await log.write(deed(3))
    await log.close()
    found = [each.deed for each in reversed(find(database))]
    assert found == [deed(0), deed(2), deed(3)]


@pytest.mark.parametrize("outcome", ["refused", "failed"])
async def test_a_flood_of_the_refused_is_not_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    monkeypatch.setattr(audit_log, "WAITING", 3)
    assert await flooded(database, outcome) == [0, 1, 2, 10]


@pytest.mark.parametrize("outcome", ["done", "unknown"])
async def test_what_may_have_been_done_is_kept_however_much_it_is(
    database: Database, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    monkeypatch.setattr(audit_log, "WAITING", 3)
    assert await flooded(database, outcome) == list(range(11))


async def flooded(database: Database, outcome: Outcome) -> list[int]:
    """Ten deeds at once, then one that was done; returns the numbers of those in the log."""
    log = AuditLog(database)
    for number in range(10):
        log.add(deed(number, outcome))
    log.add(deed(10))
    await log.close()
    found = [each.deed.target or "" for each in reversed(find(database))]
    return [int(each.removeprefix("executions/")) for each in found]
