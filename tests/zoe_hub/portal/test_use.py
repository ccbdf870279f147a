"""Measured use over REST, on the stream of an execution, and in the hands of a program."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python
from tests.zoe_hub.portal.test_streams import following
from zoe_client import AsyncClient, Client
from zoe_core.protocol import InstanceUse, UseReply
from zoe_core.protocol.rest_use import ExecutionUse
from zoe_hub.portal.api import use
from zoe_hub.portal.api.use import beside

BUSY = python("x = bytearray(50_000_000)\nwhile True: pass")


async def running(portal: Portal) -> int:
    answer = await portal.request("POST", "/executions", json={"description": BUSY, "name": "busy"})
    number: int = answer.json()["id"]

    async def runs() -> bool:
        return (await portal.get(f"/executions/{number}")).json()["status"] == "running"

    await eventually_async(runs, timeout=60)
    return number


@pytest.mark.usefixtures("master")
async def test_what_really_runs_is_measured(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use, "TOLD_EVERY", 0.5)
    number = await running(portal)
    told = []
    async with following(portal, f"/executions/{number}/events?use=true", all_=True) as stream:
        async for frame in stream:
            if frame.event == "use":
                assert frame.id is None, "the place in the stream stays"
                told.append(frame.data)
            if len({each["at"] for each in told}) >= 3:
                break
    (newest,) = told[-1]["items"]
    assert (newest["instance"], newest["attempt"]) == ("main-0", 1)
    assert newest["memory"] > 50_000_000
    assert newest["cores"] > 0

    document = (await portal.get(f"/executions/{number}/use")).json()
    ((main,), following_page) = document["items"], document["next"]
    assert following_page is None
    assert main["reserved"]["memory"] == 2**26
    assert main["memory_limit"] is None, "the process back-end has no limits"
    assert max(each["memory"] for each in main["samples"]) > 50_000_000
    moments = [each["at"] for each in main["samples"]]
    assert moments == sorted(moments)

    def by_program(client: Client) -> ExecutionUse:
        return client.get(number).use()

    token = portal.headers("alice")["Authorization"].removeprefix("token ")
    async with AsyncClient(portal.url, token) as zoe:
        found = await (await zoe.get(number)).use()
    assert [each.instance for each in found.items] == ["main-0"]
    with Client(portal.url, token) as client:
        assert (await asyncio.to_thread(by_program, client)).items[0].samples

    await portal.request("DELETE", f"/executions/{number}")

    async def ended() -> bool:
        return bool((await portal.get(f"/executions/{number}")).json()["ended_at"])

    await eventually_async(ended, timeout=60)
    assert (await portal.get(f"/executions/{number}/use")).json()["items"] == []


async def test_while_the_scheduler_is_away_nobody_knows(portal: Portal) -> None:
    number = (await portal.launch())["id"]
    answer = await portal.get(f"/executions/{number}/use")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


async def test_others_executions_are_unknown(portal: Portal) -> None:
    number = (await portal.launch())["id"]
    for path in (f"/executions/{number}/use", "/executions/999/use"):
        assert (await portal.get(path, "bob")).status_code == 404


async def test_without_being_asked_a_stream_tells_nothing_of_use(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(portal.context.link, "use", lambda *_, **__: asked.append(1))
    number = (await portal.launch())["id"]
    async with following(portal, f"/executions/{number}/events") as stream:
        await anext(stream)
    answer = await portal.get(f"/executions/{number}/events?use=perhaps")
    assert answer.status_code == 400
    assert not asked


async def test_the_end_of_the_events_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use, "TOLD_EVERY", 0.0)
    bell = asyncio.Event()

    class Link:
        asked = 0

        async def use(self, execution_id: int, *, newest: bool) -> UseReply:
            self.asked += 1
            if self.asked >= 3:
                bell.set()
            measured = InstanceUse(instance="main-0", attempt=1, at=(1.0,), memory=(2,), cores=(3,))
            return UseReply(items=(measured,))

    async def told() -> Any:
        yield "first"
        await bell.wait()
        yield "last"

    link: Any = Link()
    async with asyncio.timeout(30), aclosing(beside(told(), link, 42)) as frames:
        found = [each async for each in frames]
    assert [each for each in found if "use" not in each] == ["first", "last"]
    assert '"memory":2,"cores":3.0' in next(each for each in found if "use" in each)
