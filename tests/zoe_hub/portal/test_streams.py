"""Streams of events: order, resuming, and what a page needs to stay up to date."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func

from tests.support.slow_reader import slow_reader
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python
from tests.zoe_hub.portal.test_bad_input import check_problem
from zoe_core.explanation import Explanation
from zoe_core.protocol import ExpectedStart, QueueEntry
from zoe_hub import feed
from zoe_hub.portal import presence, sse
from zoe_hub.portal.api import streams
from zoe_hub.portal.sse import with_ticks
from zoe_store.database import Database, DatabaseAway
from zoe_store.events import EventRecord, NewEvent, append_events, lock_events
from zoe_store.tables import deployment, executions

DEADLINE = 30.0  # seconds
LARGE = 150
"""Events of 100 kB: far more than sockets hold."""


@dataclass
class Frame:
    event: str
    data: Any
    id: int | None


async def frames(answer: httpx.Response) -> AsyncIterator[Frame]:
    """Parse a stream of events, as the HTML standard says."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            number = int(fields["id"]) if "id" in fields else None
            yield Frame(fields["event"], json.loads(fields["data"]), number)
            fields = {}


async def without_scheduler(found: AsyncIterator[Frame]) -> AsyncIterator[Frame]:
    """All frames but those that tell whether the scheduler is there: here it is not."""
    async for each in found:
        if each.event != "scheduler":
            yield each


@asynccontextmanager
async def following(
    portal: Portal, path: str, after: int | None = None, user: str = "alice", all_: bool = False
) -> AsyncIterator[AsyncIterator[Frame]]:
    headers = portal.headers(user)
    if after is not None:
        headers = {**headers, "Last-Event-ID": str(after)}
    async with (
        asyncio.timeout(DEADLINE),
        portal.client.stream("GET", f"api/v1{path}", headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["Content-Type"] == "text/event-stream"
        found = frames(answer)
        async with aclosing(found if all_ else without_scheduler(found)) as stream:  # type: ignore[type-var]
            yield stream


def happen(
    portal: Portal, execution_id: int, kind: str, data: dict | None = None, **values: Any
) -> None:
    """Do what the master does: change the execution and append an event."""
    with portal.database.transaction() as connection:
        lock_events(connection)
        if values:
            connection.execute(
                executions.update().where(executions.c.id == execution_id).values(**values)
            )
        append_events(connection, [NewEvent(execution_id, kind, data or {})], datetime.now(UTC))


async def until(stream: AsyncIterator[Frame], event: str) -> list[Frame]:
    """All frames up to the first one of that kind."""
    found = []
    async for frame in stream:
        found.append(frame)
        if frame.event == event:
            return found
    raise AssertionError(f"no {event} in {found}")


async def test_it_begins_with_the_execution_and_all_that_happened(portal: Portal) -> None:
    number = (await portal.launch())["id"]

    async with following(portal, f"/executions/{number}/events") as stream:
        first = await anext(stream)
        (submitted,) = await until(stream, "submitted")

    assert (first.event, first.data["status"], first.id) == ("execution", "submitted", None)
    assert submitted.id == submitted.data["id"] > 0
    assert submitted.data["execution_id"] == number


async def test_each_change_comes_with_the_whole_execution(portal: Portal) -> None:
    number = (await portal.launch())["id"]

    async with following(portal, f"/executions/{number}/events") as stream:
        await until(stream, "submitted")
        happen(portal, number, "queued", status="queued")
        (queued,) = await until(stream, "queued")
        (execution,) = await until(stream, "execution")

    assert queued.data["kind"] == "queued"
    assert execution.data["status"] == "queued"
    assert execution.data["waiting"]["reasons"]


async def test_a_start_that_only_comes_nearer_is_no_news(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK_AGAIN", 0.02)
    number = (await portal.launch())["id"]
    position, looks = 2, 0
    start = datetime.now(UTC) + timedelta(hours=30)
    expected = ExpectedStart(low=start, mid=start, high=start)

    async def explain_all(execution_ids: Sequence[int]) -> dict[int, QueueEntry]:
        nonlocal looks
        looks += 1
        why = Explanation(position, (), ("It waits.",))
        common = {"user": "alice", "name": "small", "explanation": why, "expected": expected}
        return {each: QueueEntry(execution_id=each, **common) for each in execution_ids}

    monkeypatch.setattr(portal.context.link, "explain_all", explain_all)

    async with following(portal, f"/executions/{number}/events") as stream:
        (first,) = await until(stream, "execution")
        await until(stream, "submitted")
        await eventually_async(lambda: looks > 5, timeout=DEADLINE)
        position = 1
        (next_one,) = await until(stream, "execution")

    waiting = [each.data["waiting"] for each in (first, next_one)]
    assert [each["position"] for each in waiting] == [2, 1]
    assert waiting[0]["expected"]["text"] == waiting[1]["expected"]["text"]
    assert waiting[0]["expected"]["mid_s"] > waiting[1]["expected"]["mid_s"]


async def test_it_ends_when_the_execution_has_ended_and_all_was_told(portal: Portal) -> None:
    number = (await portal.launch())["id"]

    async with following(portal, f"/executions/{number}/events") as stream:
        await until(stream, "submitted")
        happen(portal, number, "queued", status="queued")
        happen(portal, number, "terminated", status="terminated", reason="It is done.")
        last = await until(stream, "end")

    kinds = [frame.event for frame in last]
    assert [kind for kind in kinds if kind != "execution"] == ["queued", "terminated", "end"]
    assert [each.data for each in last if each.event == "execution"][-1]["reason"] == "It is done."


async def test_it_goes_on_after_the_last_event_that_was_seen(portal: Portal) -> None:
    number = (await portal.launch())["id"]
    for kind in ("one", "two", "three"):
        happen(portal, number, kind)
    async with following(portal, f"/executions/{number}/events") as stream:
        seen = [each for each in await until(stream, "one") if each.id]

    happen(portal, number, "four", status="terminated")
    async with following(portal, f"/executions/{number}/events", after=seen[-1].id) as stream:
        rest = await until(stream, "end")

    ids = [each.id for each in [*seen, *rest] if each.id]
    kinds = [each.event for each in [*seen, *rest] if each.id]
    assert kinds == ["submitted", "one", "two", "three", "four"]
    assert ids == sorted(set(ids))


async def test_who_has_seen_everything_need_not_come_back(portal: Portal) -> None:
    number = (await portal.launch())["id"]
    happen(portal, number, "terminated", status="terminated")
    async with following(portal, f"/executions/{number}/events") as stream:
        last = (await until(stream, "end"))[-1].data["event_id"]

    answer = await portal.get(f"/executions/{number}/events", headers={"Last-Event-ID": str(last)})

    assert answer.status_code == 204


async def test_ones_own_executions_are_followed_from_now_on(portal: Portal) -> None:
    await portal.launch(name="before")

    async with following(portal, "/events") as stream:
        connected = await anext(stream)
        await portal.launch("bob", name="of somebody else")
        await portal.launch(name="after")
        (execution,) = await until(stream, "execution")
        (event,) = await until(stream, "submitted")

    assert connected.event == "connected"
    assert connected.id == connected.data["event_id"]
    assert event.id > connected.id
    assert execution.data["name"] == "after"


async def test_all_streams_can_be_resumed(portal: Portal) -> None:
    async with following(portal, "/events") as stream:
        place = (await anext(stream)).id
    for name in ("one", "two"):
        await portal.launch(name=name)

    async with following(portal, "/events", after=place) as stream:
        names = [
            (await until(stream, "execution"))[-1].data["name"],
            (await until(stream, "execution"))[-1].data["name"],
        ]

    assert names == ["one", "two"]


async def test_documents_come_before_the_events_that_came_together(portal: Portal) -> None:
    """Who comes back after an id has seen the documents of all events up to it."""
    ids = [(await portal.launch())["id"] for _ in range(2)]
    burst = [NewEvent(each, "tick", {"number": number}) for number in (1, 2) for each in ids]
    async with following(portal, "/events") as stream:
        await until(stream, "connected")
        with portal.database.transaction() as connection:
            lock_events(connection)
            append_events(connection, burst, datetime.now(UTC))
        *documents, first = await until(stream, "tick")
        rest = [await anext(stream) for _ in burst[1:]]

    assert [(each.event, each.data["id"], each.id) for each in documents] == [
        ("execution", each, None) for each in ids
    ]
    told = [first, *rest]
    assert [each.data["execution_id"] for each in told] == [each.execution_id for each in burst]
    assert None not in {each.id for each in told}


async def test_operators_follow_everybody(portal: Portal) -> None:
    check_problem(await portal.get("/events?user=*", "bob"), 403)
    portal.tokens["olga", "*"] = portal.hub.token(
        "olga", ("access:services!service=zoe", "custom:zoe:operate-others")
    )

    async with following(portal, "/events?user=*", user="olga") as stream:
        await anext(stream)
        await portal.launch("bob")
        execution = (await until(stream, "execution"))[-1]

    assert execution.data["user"] == "bob"


@pytest.mark.parametrize("place", ["x", "-1", "1.5", str(2**70)])
async def test_a_place_that_is_none_is_refused(portal: Portal, place: str) -> None:
    answer = await portal.get("/events", headers={"Last-Event-ID": place})

    assert check_problem(answer, 400)["field"] == "Last-Event-ID"


async def test_a_reader_who_leaves_leaves_nothing_behind(portal: Portal) -> None:
    number = (await portal.launch())["id"]
    tasks = len(asyncio.all_tasks())

    async with following(portal, f"/executions/{number}/events") as stream:
        await until(stream, "submitted")
        assert len(asyncio.all_tasks()) > tasks

    await eventually_async(lambda: len(asyncio.all_tasks()) <= tasks)


async def test_a_browser_that_does_not_read_delays_nobody(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PAGE", 10)
    mine, his = (await portal.launch())["id"], (await portal.launch("bob"))["id"]
    handed: Counter[int] = Counter()
    read_events = feed.read_events

    def count(database: Database, **about: Any) -> list[EventRecord]:
        found = read_events(database, **about)
        handed[about.get("execution_id") or 0] += len(found)
        return found

    monkeypatch.setattr(feed, "read_events", count)
    url = f"{portal.url}api/v1/executions/{mine}/events"
    async with slow_reader(url, portal.headers("alice")) as slow:
        await eventually_async(lambda: handed[mine] > 0)
        async with following(portal, f"/executions/{his}/events", user="bob") as stream:
            for each in (mine, his):
                for _ in range(LARGE):
                    happen(portal, each, "large", {"text": "x" * 100_000})
                happen(portal, each, "last", status="terminated")
            told = [each.event for each in await until(stream, "end") if each.id is not None]
        assert told == ["submitted", *["large"] * LARGE, "last"]
        assert handed[mine] < LARGE / 2, "what it does not take is not read"

        body = (await slow.read_all()).decode()
    assert re.findall("event: (submitted|large|last|end)", body) == [*told, "end"]


async def test_silence_is_filled_so_that_no_proxy_gives_up(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE", 0.05)

    async with (
        asyncio.timeout(DEADLINE),
        portal.client.stream("GET", "api/v1/events", headers=portal.headers("alice")) as answer,
    ):
        async for line in answer.aiter_lines():
            if line == ": still here":
                return
    raise AssertionError("the stream has ended")


async def test_ticks_come_between_items_and_lose_none() -> None:
    async def slow() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(0.05)
        yield 2

    seen = [each async for each in with_ticks(slow(), 0.01)]

    assert [each for each in seen if each is not None] == [1, 2]
    assert None in seen


@pytest.mark.usefixtures("master")
async def test_a_whole_life_is_seen_live(portal: Portal) -> None:
    answer = await portal.request(
        "POST", "/executions", json={"description": python("print('hello')")}
    )
    number = answer.json()["id"]

    async with following(portal, f"/executions/{number}/events") as stream:
        life = await until(stream, "end")

    told = [each.data["data"].get("to") for each in life if each.event == "status"]
    assert told == ["queued", "starting", "running", "cleaning_up", "terminated"]
    assert [each.data["status"] for each in life if each.event == "execution"][-1] == "terminated"


@pytest.mark.parametrize("path", ["/executions/{number}/events", "/events"])
async def test_it_tells_when_the_scheduler_goes_away_and_comes_back(
    portal: Portal, path: str
) -> None:
    number = (await portal.launch())["id"]
    async with following(portal, path.format(number=number), all_=True) as stream:
        *_, away = await until(stream, "scheduler")
        assert (away.data, away.id) == ({"status": "away", "seen_at": None}, None)
        with portal.database.transaction() as connection:
            connection.execute(deployment.update().values(master_seen_at=func.now()))
        *_, back = await until(stream, "scheduler")
        assert back.data["status"] == "running"
        assert back.data["seen_at"] is not None


async def test_it_tells_who_comes_back_while_the_database_is_away(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(presence, "AWAY_AFTER", 0.2)
    with portal.database.transaction() as connection:
        soon = func.now() + timedelta(minutes=5)
        connection.execute(deployment.update().values(master_seen_at=soon))
    await eventually_async(lambda: _status(portal) == "running")

    def away() -> None:
        raise DatabaseAway("it does not answer")

    monkeypatch.setattr(portal.database, "transaction", away)
    async with following(portal, "/events", after=1, all_=True) as stream:
        first, told = await anext(stream), await anext(stream)
    assert (first.event, first.id) == ("connected", 1)
    assert (told.event, told.data["status"]) == ("scheduler", "away")


def _status(portal: Portal) -> str | None:
    latest = portal.context.presence.latest
    return None if latest is None else latest.status
