"""The wire between hub and master, with somebody on it who loses, doubles, delays and swaps."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support import masters
from tests.support.builders import service, zapp
from tests.support.masters import HubEnd, acting
from tests.support.middle import (
    CALM,
    ROUGH,
    Mischief,
    Wires,
    middle_of_the_wire,
    wires_to_the_master,
)
from tests.support.waiting import eventually_async
from zoe_core.cluster import InstanceId, Observed
from zoe_core.protocol import QueueEntry, QueueReply
from zoe_hub import link as link_module
from zoe_hub.feed import EventFeed
from zoe_hub.link import MasterAway, NotAnswered
from zoe_hub.portal.api import logs as logs_module
from zoe_hub.portal.api.logs import Log, read_on
from zoe_hub.portal.context import PortalContext
from zoe_master.backends.base import BackendError, Fatal, Observation, Retry
from zoe_master.backends.fake import FakeBackend, FakeEngine
from zoe_store.events import EventRecord, read_events

engine, hub = masters.engine, masters.hub

SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])
PATIENCE = 60.0
"""Seconds."""


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is lost is asked again soon."""
    monkeypatch.setattr(link_module, "DEADLINE", 0.5)
    monkeypatch.setattr(logs_module, "FOLLOW_WAIT", 0.5)
    monkeypatch.setattr(logs_module, "TRY_AGAIN", 0.05)


@pytest.fixture
def acts(database_url: str, tmp_path: Path, engine: FakeEngine) -> Callable[[], Any]:
    """A master that acts while the block runs."""
    return lambda: acting(database_url, tmp_path, engine)


async def running(hub: HubEnd, count: int) -> list[int]:
    """Executions whose instance is seen to run."""
    ids = [await hub.submit(zapp(service(memory=0.1, cores=0.1))) for _ in range(count)]
    for each in ids:
        await hub.instance(each, observed="running")
    return ids


# --- wake-ups ---


async def test_submissions_start_although_all_their_wake_ups_are_lost(
    tmp_path: Path, hub: HubEnd, acts: Callable
) -> None:
    async with middle_of_the_wire(tmp_path) as middle, acts():
        middle.mischief = Mischief(kinds=frozenset({"Wake"}))
        await running(hub, 5)
        assert middle.done["lost"] > 0


async def test_their_ends_come_although_all_wake_ups_and_beats_are_lost(
    tmp_path: Path, hub: HubEnd, acts: Callable
) -> None:
    async with middle_of_the_wire(tmp_path) as middle, acts():
        middle.mischief = Mischief(kinds=frozenset({"Wake", "Beat"}))
        (one,) = await running(hub, 1)
        await hub.end(one)
        assert await hub.ended(one) == ("terminated", "Enough.")


# --- questions ---


@SEEDS
async def test_answers_are_right_or_the_master_is_clearly_away(
    tmp_path: Path, hub: HubEnd, engine: FakeEngine, acts: Callable, seed: int
) -> None:
    async with middle_of_the_wire(tmp_path, seed) as middle, acts():
        talking, *_ = await running(hub, 1)
        engine.say(InstanceId(talking, "main", 0), b"a line\n")
        waiting = [await hub.submit(zapp(service(memory=3.5))) for _ in range(6)]
        questions = await _questions(hub, waiting, talking)
        expected = [await ask() for ask in questions]
        assert len(expected[0]) == 4, "of six large ones two run"

        middle.mischief = ROUGH
        answers: Counter[str] = Counter()
        for _ in range(20):
            await asyncio.gather(*map(_checked, questions, expected, [answers] * len(questions)))
        middle.mischief = CALM

        assert set(answers) == {"right", "away"}
        assert answers["right"] > 20
        assert min(middle.done[each] for each in ("lost", "doubled", "late", "swapped")) > 0
        await hub.link.recovered()
        assert (await hub.link.queue()).entries == expected[0]


async def _questions(
    hub: HubEnd, waiting: list[int], talking: int
) -> list[Callable[[], Awaitable[Any]]]:
    async def queue() -> tuple[QueueEntry, ...]:
        return (await hub.link.queue()).entries

    async def settled() -> bool:
        return len(await queue()) == 4

    await eventually_async(settled)
    return [
        queue,
        lambda: hub.link.explain(waiting[-1]),
        lambda: hub.link.explain_all(waiting),
        lambda: hub.log(talking),
        lambda: hub.log(talking, offset=2, limit=3),
    ]


async def _checked(ask: Callable[[], Awaitable[Any]], expected: Any, told: Counter[str]) -> None:
    try:
        assert await ask() == expected
        told["right"] += 1
    except MasterAway as error:
        told["away" if str(error).startswith("the scheduler ") else str(error)] += 1


async def test_an_answer_that_comes_too_late_is_nobodys(
    tmp_path: Path, hub: HubEnd, acts: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "DEADLINE", 0.1)
    async with middle_of_the_wire(tmp_path, seed=5) as middle, acts():
        await running(hub, 1)
        middle.mischief = Mischief(delay=1.0, longest=0.5)
        told: Counter[str] = Counter()
        for _ in range(10):
            await asyncio.gather(
                *(_checked(hub.link.queue, QueueReply(entries=()), told) for _ in range(10))
            )
        assert told["away"] > 0
        assert not hub.link._contact.requests._open


# --- logs ---


def log_of(hub: HubEnd, execution_id: int, instance: Any) -> Log:
    """The log as the portal reads it."""
    context = SimpleNamespace(database=hub.database, link=hub.link, run=asyncio.to_thread)
    return Log(cast(PortalContext, context), execution_id, instance)


async def follow(hub: HubEnd, execution_id: int) -> bytes:
    """The whole log of its instance, as somebody gets it who follows it from the start."""
    log = log_of(hub, execution_id, await hub.instance(execution_id))
    text = b""
    async with aclosing(read_on(log, await log.follow(0), 0, follow=True)) as pieces:
        async for piece in pieces:
            text += piece
    return text


async def talk(engine: FakeEngine, execution_id: int) -> bytes:
    """Let its instance print lines for a while and end; returns all it has printed."""
    instance = InstanceId(execution_id, "main", 0)
    lines = [b"line %d of %d\n" % (number, execution_id) for number in range(100)]
    for line in lines:
        engine.say(instance, line)
        await asyncio.sleep(0.01)
    engine.exit(instance)
    return b"".join(lines)


async def follow_all_while_they_talk(
    hub: HubEnd, engine: FakeEngine, ids: list[int]
) -> tuple[list[bytes], list[bytes]]:
    """What was printed, and what followers got: two of each log."""
    followers = [asyncio.create_task(follow(hub, each)) for each in ids * 2]
    said = await asyncio.gather(*(talk(engine, each) for each in ids))
    async with asyncio.timeout(PATIENCE):
        return said * 2, await asyncio.gather(*followers)


@SEEDS
async def test_followed_logs_are_complete_and_without_repeats(
    tmp_path: Path, hub: HubEnd, engine: FakeEngine, acts: Callable, seed: int
) -> None:
    async with middle_of_the_wire(tmp_path, seed) as middle, acts():
        ids = await running(hub, 3)
        middle.mischief = ROUGH
        said, heard = await follow_all_while_they_talk(hub, engine, ids)
        assert heard == said
        assert min(middle.done[each] for each in ("lost", "doubled", "late", "swapped")) > 0


async def test_followed_logs_are_complete_when_connections_are_cut(
    hub: HubEnd, engine: FakeEngine, acts: Callable
) -> None:
    async with wires_to_the_master() as wires, acts():
        ids = await running(hub, 3)
        (said, heard), cut = await asyncio.gather(
            follow_all_while_they_talk(hub, engine, ids), _cut_now_and_then(wires)
        )
        assert heard == said
        assert cut >= 6


def refusing(error: BackendError, times: int) -> type[FakeBackend]:
    """A back-end that gives out no log at first."""
    refusals = iter(range(times))

    class Refusing(FakeBackend):
        def read_log(self, instance: InstanceId, offset: int, limit: int) -> bytes:
            if next(refusals, None) is not None:
                raise error
            return super().read_log(instance, offset, limit)

    return Refusing


async def test_a_followed_log_outlives_refusals_that_pass(
    database_url: str, tmp_path: Path, hub: HubEnd, engine: FakeEngine
) -> None:
    make = refusing(Retry("the node is busy"), times=logs_module.REFUSALS - 1)
    async with acting(database_url, tmp_path, engine, make):
        (one,) = await running(hub, 1)
        following = asyncio.create_task(follow(hub, one))
        said = await talk(engine, one)
        async with asyncio.timeout(PATIENCE):
            assert await following == said


async def test_a_followed_log_that_is_always_refused_comes_to_an_end(
    database_url: str, tmp_path: Path, hub: HubEnd, engine: FakeEngine
) -> None:
    make = refusing(Fatal("the log is gone for good"), times=10**6)
    async with acting(database_url, tmp_path, engine, make):
        (one,) = await running(hub, 1)
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(NotAnswered, match="the log is gone for good"):
                await follow(hub, one)


async def _cut_now_and_then(wires: Wires) -> int:
    """How many connections were cut, of three that are always made anew."""
    cut = 0
    for _ in range(4):
        await asyncio.sleep(0.3)
        cut += wires.cut()
    return cut


# --- events ---


class Follower:
    """Collects the events it is told."""

    def __init__(self, feed: EventFeed, **about: int | str) -> None:
        self.events: list[EventRecord] = []
        self._task = asyncio.create_task(self._follow(feed, about))

    async def _follow(self, feed: EventFeed, about: dict) -> None:
        async for event in feed.follow(after=0, **about):
            self.events.append(event)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def feed_of(hub: HubEnd) -> AsyncIterator[EventFeed]:
    feed = EventFeed(hub.database, hub.link)
    feed.start()
    try:
        yield feed
    finally:
        await feed.close()


@SEEDS
async def test_followers_get_every_event_once_and_in_order(
    tmp_path: Path, hub: HubEnd, engine: FakeEngine, acts: Callable, seed: int
) -> None:
    async with middle_of_the_wire(tmp_path, seed) as middle, acts(), feed_of(hub) as feed:
        middle.mischief = Mischief(lose=0.3, double=0.4, delay=0.4, swap=0.2)
        everybody = Follower(feed)
        ids = await running(hub, 6)
        one = Follower(feed, execution_id=ids[0])
        for each in ids:
            await hub.end(each)
        for each in ids:
            assert await hub.ended(each) == ("terminated", "Enough.")
        everything = await hub.call(read_events, after=0)
        assert len(everything) > 30
        await eventually_async(lambda: everybody.events == everything)
        mine = [each for each in everything if each.execution_id == ids[0]]
        await eventually_async(lambda: one.events == mine)
        assert middle.done["lost"] + middle.done["doubled"] + middle.done["late"] > 5
        for follower in (everybody, one):
            await follower.stop()


# --- starts ---


@SEEDS
async def test_nothing_starts_twice(
    tmp_path: Path, hub: HubEnd, engine: FakeEngine, acts: Callable, seed: int
) -> None:
    """Also not when the master is replaced while all its messages are meddled with."""
    begun: Counter[InstanceId] = Counter()

    def note(seen: Observation) -> None:
        begun[seen.id] += seen.observed is Observed.CREATING

    unwatch = engine.watch(note)
    async with middle_of_the_wire(tmp_path, seed) as middle:
        middle.mischief = Mischief(lose=0.1, double=0.8, delay=0.3, swap=0.2)
        async with acts():
            ids = await running(hub, 4)
            ids += [await hub.submit(zapp(service(memory=0.1, cores=0.1))) for _ in range(4)]
        async with acts():
            ids += await running(hub, 4)
            for each in ids:
                await hub.instance(each, observed="running")
                assert await hub.moves(each) == ["queued", "starting", "running"]
        assert middle.done["doubled"] > 0
    unwatch()
    assert begun == Counter(InstanceId(each, "main", 0) for each in ids)


# --- away, and back ---


async def test_a_wire_that_goes_dead_is_noticed_and_questions_fail_at_once(
    hub: HubEnd, engine: FakeEngine, acts: Callable
) -> None:
    async with wires_to_the_master() as wires, acts():
        (one,) = await running(hub, 1)
        following = asyncio.create_task(follow(hub, one))
        assert (await hub.link.queue()).entries == ()
        wires.stall()
        await _known_to_be_away(hub)
        async with asyncio.timeout(PATIENCE / 2):  # far below what as many deadlines would take
            for _ in range(200):
                with pytest.raises(MasterAway, match=r"is away since 20.* UTC"):
                    await hub.link.queue()
        said = await talk(engine, one)
        assert not following.done()

        wires.resume()
        async with asyncio.timeout(PATIENCE):
            await hub.link.recovered()
            assert await following == said
        assert (await hub.link.queue()).entries == ()


async def _known_to_be_away(hub: HubEnd) -> None:
    async def away() -> bool:
        with pytest.raises(MasterAway) as told:
            await hub.link.queue()
        return "is away since" in str(told.value)

    await eventually_async(away)


async def test_a_cut_wire_is_mended_by_itself(hub: HubEnd, acts: Callable) -> None:
    async with wires_to_the_master() as wires, acts():
        for _ in range(3):

            async def answered() -> bool:
                try:
                    return (await hub.link.queue()).entries == ()
                except MasterAway:
                    return False

            await eventually_async(answered)
            assert wires.cut() > 0
