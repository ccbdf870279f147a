"""Streams of events: order, resuming, and what a page needs to stay up to date."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python
from tests.zoe_hub.portal.test_bad_input import check_problem
from zoe_hub.portal import sse
from zoe_hub.portal.sse import with_ticks
from zoe_store.events import NewEvent, append_events, lock_events
from zoe_store.tables import executions

DEADLINE = 30.0  # seconds


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


@asynccontextmanager
async def following(
    portal: Portal, path: str, after: int | None = None, user: str = "alice"
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
        async with aclosing(frames(answer)) as stream:  # type: ignore[type-var]
            yield stream


def happen(portal: Portal, execution_id: int, kind: str, **values: Any) -> None:
    """Do what the master does: change the execution and append an event."""
    with portal.database.transaction() as connection:
        lock_events(connection)
        if values:
            connection.execute(
                executions.update().where(executions.c.id == execution_id).values(**values)
            )
        append_events(connection, [NewEvent(execution_id, kind, {})], datetime.now(UTC))


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
        (event,) = await until(stream, "submitted")
        (execution,) = await until(stream, "execution")

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
