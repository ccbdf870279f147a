"""What is revoked at the Hub ends what is open, and lets nobody in again, within seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import httpx
import pytest

from tests.support.hub import PREFIX
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.endpoints.application import Application, application, endpoint
from zoe_core.protocol import LogChunk, ReadLog
from zoe_hub import permissions
from zoe_hub.portal import reviews

__all__ = ["application", "endpoint"]

PATIENCE = 60.0  # seconds
ADMIN = (permissions.ACCESS, "custom:zoe:admin")


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch, portal: Portal) -> None:
    monkeypatch.setattr(reviews, "FIRST", 0.2)
    monkeypatch.setattr(reviews, "EVERY", 0.2)
    monkeypatch.setattr(reviews, "TOGETHER", 0.0)
    portal.application.settings["hub_auth"].cache.max_age = 1


class Token:
    """A token that can be revoked."""

    def __init__(self, portal: Portal, user: str, scopes: tuple[str, ...]) -> None:
        path = f"/users/{user}/tokens"
        self._hub, self._path = portal.hub, path
        self._made = portal.hub.api("POST", path, json={"scopes": list(scopes)})

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self._made['token']}"}

    def revoke(self) -> None:
        self._hub.api("DELETE", f"{self._path}/{self._made['id']}")


@asynccontextmanager
async def stream(
    portal: Portal, path: str, headers: dict[str, str]
) -> AsyncIterator[httpx.Response]:
    async with (
        asyncio.timeout(PATIENCE),
        portal.client.stream("GET", f"api/v1{path}", headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        yield answer


async def to_its_end(answer: httpx.Response) -> None:
    try:
        async for _ in answer.aiter_bytes():
            pass
    except httpx.RemoteProtocolError:
        pass  # cut off


async def refused(portal: Portal, path: str, headers: dict[str, str]) -> bool:
    answer = await portal.client.get(f"api/v1{path}", headers=headers)
    return answer.status_code in (401, 403, 404)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch, portal: Portal) -> None:
    """The instance writes nothing to its log, and does not end."""

    async def read_log(wanted: ReadLog) -> tuple[LogChunk, bytes]:
        await asyncio.sleep(wanted.wait)
        return LogChunk(offset=0, size=0, finished=False), b""

    monkeypatch.setattr(portal.context.link, "read_log", read_log)


@pytest.mark.parametrize(
    "path",
    [
        "/executions/{}/events",
        "/executions/{}/instances/main-0/logs?follow=true",
        "/events",
        "/cluster/events",
    ],
)
async def test_a_stream_ends_with_its_token(
    portal: Portal, endpoint: str, silent: None, path: str
) -> None:
    it = endpoint.removeprefix(PREFIX).split("/")[1]
    token = Token(portal, "alice", permissions.USER_SCOPES)
    async with stream(portal, path.format(it), token.headers) as answer:
        token.revoke()
        await to_its_end(answer)
    await eventually_async(lambda: refused(portal, "/info", token.headers))


async def test_a_stream_goes_on_while_nothing_is_revoked(portal: Portal) -> None:
    token = Token(portal, "alice", permissions.USER_SCOPES)
    asked = 0
    ask = portal.context.reviews.model

    async def count(login: reviews.Login) -> reviews.Model:
        nonlocal asked
        asked += 1
        return await ask(login)

    portal.context.reviews.model = count  # type: ignore[method-assign]
    async with stream(portal, "/events", token.headers) as answer:
        ending = asyncio.ensure_future(to_its_end(answer))
        await eventually_async(lambda: asked >= 3)
        assert not ending.done()
        token.revoke()
        await ending


async def test_an_operator_sees_others_only_as_long_as_she_is_one(portal: Portal) -> None:
    it = (await portal.launch())["id"]
    group = "/groups/zoe-admin/users"
    portal.hub.api("POST", group, json={"users": ["bob"]})
    token = Token(portal, "bob", ADMIN)
    try:
        async with (
            stream(portal, f"/executions/{it}/events", token.headers) as one,
            stream(portal, "/events?user=*", token.headers) as everybody,
        ):
            portal.hub.api("DELETE", group, json={"users": ["bob"]})
            await asyncio.gather(to_its_end(one), to_its_end(everybody))
        await eventually_async(lambda: refused(portal, "/audit", token.headers))
    finally:
        portal.hub.api("DELETE", group, json={"users": ["bob"]})
        token.revoke()


async def test_an_answer_of_an_instance_is_cut_off_with_its_token(
    portal: Portal, endpoint: str
) -> None:
    token = Token(portal, "alice", permissions.USER_SCOPES)
    url = portal.url.removesuffix(PREFIX) + endpoint + "slow"
    async with (
        asyncio.timeout(PATIENCE),
        portal.client.stream("GET", url, headers=token.headers) as answer,
    ):
        parts = answer.aiter_bytes()
        assert await anext(parts) == b"first"
        token.revoke()
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(parts)


async def test_a_websocket_is_closed_with_its_token(portal: Portal, endpoint: str) -> None:
    token = Token(portal, "alice", permissions.USER_SCOPES)
    url = portal.url.removesuffix(PREFIX) + endpoint + "ws"
    async with (
        asyncio.timeout(PATIENCE),
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=token.headers) as socket,
    ):
        await socket.send_str("hello")
        assert (await socket.receive()).data == "you said hello"
        token.revoke()
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1008


async def test_a_browser_that_does_not_close_its_websocket_is_not_heard_any_more(
    portal: Portal, endpoint: str, application: tuple[Application, int]
) -> None:
    token = Token(portal, "alice", permissions.USER_SCOPES)
    url = portal.url.removesuffix(PREFIX) + endpoint + "ws"
    async with (
        asyncio.timeout(PATIENCE),
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=token.headers, autoclose=False) as socket,
    ):
        await socket.send_str("hello")
        assert (await socket.receive()).data == "you said hello"
        token.revoke()
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        await socket.send_str("too late")
        (theirs,) = application[0].sockets
        await eventually_async(lambda: theirs.closed)
    assert application[0].said == ["hello"]


async def test_while_the_hub_is_away_what_is_open_stays(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = Token(portal, "alice", permissions.USER_SCOPES)
    asked = asyncio.Event()

    async def away(value: str) -> reviews.Model:
        asked.set()
        raise OSError("nobody listens")

    async with stream(portal, "/events", token.headers) as answer:
        ending = asyncio.ensure_future(to_its_end(answer))
        monkeypatch.setattr(portal.context.reviews, "model", away)
        asked.clear()
        await asked.wait()
        asked.clear()
        await asked.wait()
        assert not ending.done()
        monkeypatch.undo()
        monkeypatch.setattr(reviews, "EVERY", 0.2)
        token.revoke()
        await ending
