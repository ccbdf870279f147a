"""Followers get all events, in order, once: whoever wrote them and whatever happens meanwhile."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.builders import START
from tests.support.masters import HubEnd, acting
from tests.support.waiting import eventually_async
from zoe_core.cluster import InstanceId
from zoe_hub import feed as module
from zoe_hub.feed import EventFeed
from zoe_master.backends.fake import FakeEngine
from zoe_store.database import Database, DatabaseAway
from zoe_store.events import EventRecord, NewEvent, append_events, lock_events, read_events

PATIENCE = 20.0
"""Seconds."""


@pytest.fixture
async def feed(hub: HubEnd) -> AsyncIterator[EventFeed]:
    feed = EventFeed(hub.database, hub.link)
    feed.start()
    yield feed
    await feed.close()


class Follower:
    """Collects what it is told in the background."""

    def __init__(self, feed: EventFeed, **about: int | str) -> None:
        self.events: list[EventRecord] = []
        self._task = asyncio.create_task(self._follow(feed, {"after": 0, **about}))

    async def _follow(self, feed: EventFeed, about: dict) -> None:
        async for event in feed.follow(**about):
            self.events.append(event)

    async def has(self, expected: list[EventRecord]) -> None:
        """Wait until it was told just these."""
        await eventually_async(lambda: self.events == expected, timeout=PATIENCE)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_everybody_gets_what_they_follow(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd, feed: EventFeed
) -> None:
    all_of_it, of_bob = Follower(feed), Follower(feed, user="bob")
    async with acting(database_url, tmp_path, engine):
        mine, his = await hub.submit(), await hub.submit(user="bob")
        of_mine = Follower(feed, execution_id=mine)
        for each in (mine, his):
            await hub.until(each, "running")
            engine.exit(InstanceId(each, "main", 0))
            await hub.ended(each)
        everything = await hub.call(read_events, after=0)
        assert len(everything) > 10
        await all_of_it.has(everything)
        await of_mine.has([each for each in everything if each.execution_id == mine])
        await of_bob.has([each for each in everything if each.execution_id == his])
    for each in (all_of_it, of_mine, of_bob):
        await each.stop()


async def test_a_follower_goes_on_after_the_event_it_has_seen(hub: HubEnd, feed: EventFeed) -> None:
    for _ in range(4):
        await hub.submit()
    everything = await hub.call(read_events, after=0)
    late = Follower(feed, after=everything[1].id)
    await late.has(everything[2:])
    await hub.submit()
    await late.has((await hub.call(read_events, after=0))[2:])
    await late.stop()


async def test_long_histories_are_read_in_pages(
    hub: HubEnd, feed: EventFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    for _ in range(4):
        await hub.submit()
    follower = Follower(feed)
    for _ in range(7):
        await hub.submit()
    await follower.has(await hub.call(read_events, after=0))
    assert len(follower.events) == 11
    await follower.stop()


SUBMIT = """
import sys
sys.path.insert(0, {root!r})
from tests.support.submissions import submit
from zoe_store.database import Database
database = Database({url!r})
for _ in range(5):
    submit(database)
database.close()
"""


async def test_events_of_other_processes_come_without_any_hint(
    database_url: str, hub: HubEnd, feed: EventFeed
) -> None:
    follower = Follower(feed)
    script = SUBMIT.format(root=str(Path(__file__).parents[2]), url=database_url)
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], check=True)
    everything = await hub.call(read_events, after=0)
    assert len(everything) == 5
    await follower.has(everything)
    await follower.stop()


async def test_the_feed_goes_on_with_the_next_master(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd, feed: EventFeed
) -> None:
    follower = Follower(feed)
    for _ in range(2):
        async with acting(database_url, tmp_path, engine):
            await hub.until(await hub.submit(), "running")
            await follower.has(await hub.call(read_events, after=0))
    await follower.stop()


async def test_the_feed_goes_on_when_its_connections_were_cut(hub: HubEnd, feed: EventFeed) -> None:
    follower = Follower(feed)
    await hub.submit()
    with hub.database.transaction() as connection:
        connection.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
        )
    await hub.submit()
    await follower.has(await hub.call(read_events, after=0))
    await follower.stop()


async def test_who_follows_from_the_start_is_not_forgotten(
    hub: HubEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored while the feed still looks for its own beginning is told as well."""
    looks: list[int] = []

    def look(*arguments: Any, **options: Any) -> list[EventRecord]:
        found = read_events(*arguments, **options)
        looks.append(len(found))
        return found

    monkeypatch.setattr(module, "read_events", look)
    feed = EventFeed(hub.database, hub.link)
    follower = Follower(feed)
    await eventually_async(lambda: looks == [0])
    await hub.submit()
    feed.start()
    await follower.has(await hub.call(read_events, after=0))
    await follower.stop()
    await feed.close()


async def test_changed_returns_at_the_next_event_or_in_time(hub: HubEnd, feed: EventFeed) -> None:
    one = await hub.submit()
    await feed.changed(one, 0.05)
    waiting = asyncio.create_task(feed.changed(one, PATIENCE))
    await hub.end(one)
    await asyncio.wait_for(waiting, PATIENCE / 2)
    assert not feed._followers


def burst(hub: HubEnd, ids: list[int], count: int) -> None:
    """Many events at once, in one transaction: each execution in turn."""
    new = [NewEvent(ids[each % len(ids)], "tick", {"number": each}) for each in range(count)]
    with hub.database.transaction() as connection:
        lock_events(connection)
        append_events(connection, new, START)


async def test_a_burst_of_many_pages_is_told_to_everybody_in_order(
    hub: HubEnd, feed: EventFeed
) -> None:
    ids = [await hub.submit(user=user) for user in ("alice", "bob", "carol")]
    followers = [Follower(feed), Follower(feed, user="bob"), Follower(feed, execution_id=ids[2])]
    await eventually_async(lambda: all(each.events for each in followers))
    await asyncio.to_thread(burst, hub, ids, 5 * module.PAGE + 7)
    everything = await hub.call(read_events, after=0, limit=10**4)
    assert len(everything) > 5 * module.PAGE
    await followers[0].has(everything)
    await followers[1].has([each for each in everything if each.execution_id == ids[1]])
    await followers[2].has([each for each in everything if each.execution_id == ids[2]])
    for each in followers:
        await each.stop()


async def test_who_never_reads_delays_nobody_and_costs_one_page(
    hub: HubEnd, feed: EventFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[str] = Counter()

    def count(database: Database, **about: Any) -> list[EventRecord]:
        found = read_events(database, **about)
        read[about.get("user") or "all"] += len(found)
        return found

    monkeypatch.setattr(module, "read_events", count)
    monkeypatch.setattr(module, "PAGE", 20)
    one = await hub.submit(user="slow")
    await asyncio.to_thread(burst, hub, [one], 20)
    slow = feed.follow(after=0, user="slow")
    seen = [await anext(slow)]
    await asyncio.to_thread(burst, hub, [one], 500)
    everything = await hub.call(read_events, after=0, limit=1000)
    fast = Follower(feed)
    await fast.has(everything)
    assert read["slow"] == 20, "what is not asked for is not read"

    async for event in slow:
        seen.append(event)
        if event.id == everything[-1].id:
            break
    assert seen == everything
    await slow.aclose()
    await fast.stop()


async def test_what_came_together_is_one_batch(hub: HubEnd, feed: EventFeed) -> None:
    one = await hub.submit(user="alice")
    batches = feed.follow_batches(after=0, user="alice")
    assert [event.kind for event in await anext(batches)] == ["submitted"]
    await asyncio.to_thread(burst, hub, [one], 5)
    assert [event.kind for event in await anext(batches)] == ["tick"] * 5
    await batches.aclose()


async def test_whoever_follows_can_be_roused(hub: HubEnd, feed: EventFeed) -> None:
    one = await hub.submit(user="alice")
    newest = (await hub.call(read_events, after=0))[-1].id
    everybody = [
        feed.follow_batches(after=newest),
        feed.follow_batches(after=newest, user="bob"),
        feed.follow_batches(after=newest, execution_id=one),
    ]
    assert [list(await anext(each)) for each in everybody] == [[], [], []]
    waiting = [asyncio.ensure_future(anext(each)) for each in everybody]
    await asyncio.sleep(0)
    feed.rouse()
    assert [list(await each) for each in waiting] == [[], [], []]
    for each in everybody:
        await each.aclose()


async def test_whoever_is_behind_is_roused_while_the_database_is_away(
    hub: HubEnd, feed: EventFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.submit()
    everything = await hub.call(read_events, after=0)

    def away(*_: Any, **__: Any) -> list[EventRecord]:
        raise DatabaseAway("it does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(module, "read_events", away)
        batches = feed.follow_batches(after=0)
        assert list(await anext(batches)) == [], "the first comes at once"
        for _ in range(2):
            waiting = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(0)
            feed.rouse()
            assert list(await asyncio.wait_for(waiting, PATIENCE)) == []
    assert list(await asyncio.wait_for(anext(batches), PATIENCE)) == everything
    await batches.aclose()
