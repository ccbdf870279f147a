"""Streams that ask at the same time share one reading, and each gets what it asked for."""

import asyncio
from collections.abc import Collection

import pytest

from tests.zoe_hub.portal.conftest import Portal
from zoe_hub.portal import newest as module
from zoe_store import executions
from zoe_store.database import Database, DatabaseAway
from zoe_store.executions import ExecutionRecord


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """The ids of each reading."""
    made: list[set[int]] = []
    read = executions.get_all

    def count(database: Database, ids: Collection[int]) -> list[ExecutionRecord]:
        made.append(set(ids))
        return read(database, ids)

    monkeypatch.setattr(module.executions, "get_all", count)
    return made


async def test_what_is_asked_for_together_is_read_together(
    portal: Portal, readings: list[set[int]]
) -> None:
    ids = [(await portal.launch())["id"] for _ in range(3)]
    readings.clear()
    unknown = max(ids) + 1000
    asked = [*ids, *ids, unknown]
    found = await asyncio.gather(*map(portal.context.newest.get, asked))
    assert [each and each.id for each in found] == [*ids, *ids, None]
    assert readings == [{*ids, unknown}]


async def test_a_reading_has_a_largest_size(
    portal: Portal, readings: list[set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    ids = [(await portal.launch())["id"] for _ in range(3)]
    readings.clear()
    found = await asyncio.gather(*map(portal.context.newest.get, ids))
    assert [each and each.id for each in found] == ids
    assert readings == [set(ids[:2]), {ids[2]}]


async def test_one_that_gives_up_takes_nothing_from_the_others(portal: Portal) -> None:
    it = (await portal.launch())["id"]
    gives_up = asyncio.create_task(portal.context.newest.get(it))
    waits = asyncio.create_task(portal.context.newest.get(it))
    await asyncio.sleep(0)
    gives_up.cancel()
    found = await waits
    assert found is not None
    assert found.id == it


async def test_all_who_wait_hear_that_the_database_is_away(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = (await portal.launch())["id"]

    def away(database: Database, ids: Collection[int]) -> list[ExecutionRecord]:
        raise DatabaseAway("it is away")

    with monkeypatch.context() as patch:
        patch.setattr(module.executions, "get_all", away)
        get = portal.context.newest.get
        found = await asyncio.gather(get(it), get(it), get(it + 1), return_exceptions=True)
        assert [type(each) for each in found] == [DatabaseAway] * 3
    assert await portal.context.newest.get(it) is not None
