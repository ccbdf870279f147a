"""Websockets to endpoints: a real application behind the real proxy."""

import asyncio

import aiohttp
import pytest

from tests.support.hub import PREFIX
from tests.support.login import Browser
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.endpoints.application import (
    MESSAGE,
    Application,
    application,
    browser,
    endpoint,
)
from tests.zoe_hub.portal.endpoints.hosts import cookies_of
from zoe_hub.portal import reviews

__all__ = ["application", "browser", "endpoint"]


async def test_websockets_speak_both_ways(
    portal: Portal, endpoint: str, application: tuple[Application, int]
) -> None:
    url = portal.url.removesuffix(PREFIX) + endpoint + "ws"
    headers = portal.headers("alice")

    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=headers, protocols=("other", "chat")) as socket,
    ):
        await socket.send_str("hello")
        assert (await socket.receive()).data == "you said hello"
        await socket.send_bytes(b"abc")
        assert (await socket.receive()).data == b"cba"
        await socket.send_str("bye")
        await socket.receive()
        assert (socket.protocol, socket.close_code) == ("chat", 4001)
    (request,) = application[0].requests
    assert "Authorization" not in request.headers


async def test_a_websocket_with_a_token_of_the_application_stays_open(
    portal: Portal,
    endpoint: str,
    browser: Browser,
    application: tuple[Application, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not taken for a login that has ended."""
    monkeypatch.setattr(reviews, "FIRST", 0.0)
    monkeypatch.setattr(reviews, "EVERY", 0.1)
    monkeypatch.setattr(reviews, "TOGETHER", 0.0)
    asked: list[str] = []
    ask = portal.context.reviews.model

    async def model(login: reviews.Login) -> reviews.Model:
        asked.append(login[0])
        return await ask(login)

    monkeypatch.setattr(portal.context.reviews, "model", model)
    url = portal.url.removesuffix(PREFIX) + endpoint + "ws?token=its-own"
    headers = {"Sec-Fetch-Mode": "websocket", "Cookie": cookies_of(browser)}

    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=headers) as socket,
    ):
        await eventually_async(lambda: len(asked) >= 3)
        await socket.send_str("hello")
        assert (await socket.receive()).data == "you said hello"

    assert "its-own" not in asked
    (request,) = application[0].requests
    assert request.query_string == "token=its-own"


async def test_a_token_of_the_hub_in_the_address_never_arrives(
    portal: Portal, endpoint: str, application: tuple[Application, int]
) -> None:
    token = portal.headers("alice")["Authorization"].removeprefix("token ")
    url = f"{portal.url.removesuffix(PREFIX)}{endpoint}ws?token={token}&a=1"

    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers={"Sec-Fetch-Mode": "websocket"}),
    ):
        pass

    (request,) = application[0].requests
    assert request.query_string == "a=1"


@pytest.mark.parametrize(("said", "code"), [("flood", 1009), ("vanish", 0)])
async def test_a_websocket_that_the_instance_breaks_is_closed(
    portal: Portal,
    endpoint: str,
    application: tuple[Application, int],
    caplog: pytest.LogCaptureFixture,
    said: str,
    code: int,
) -> None:
    portal.application.settings["websocket_max_message_size"] = MESSAGE
    url = portal.url.removesuffix(PREFIX) + endpoint + "ws"

    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=portal.headers("alice")) as socket,
    ):
        await socket.send_str(said)
        answer = await socket.receive()

    assert (answer.type, answer.data) == (aiohttp.WSMsgType.CLOSE, code)
    (theirs,) = application[0].sockets
    await eventually_async(lambda: theirs.closed)
    assert not caplog.records


async def test_a_websocket_that_cannot_be_opened_is_closed_at_the_instance(
    browser: Browser, endpoint: str, application: tuple[Application, int]
) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}

    answer = await browser.send("GET", f"{endpoint}ws", headers=upgrade)  # without a key

    assert answer.status_code == 400
    (theirs,) = application[0].sockets
    await eventually_async(lambda: theirs.closed)


async def test_only_a_get_can_become_a_websocket(
    browser: Browser, endpoint: str, application: tuple[Application, int]
) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}

    answer = await browser.send("POST", f"{endpoint}upload", headers=upgrade, content=b"abc")

    assert (answer.status_code, answer.text) == (201, "3")


async def test_a_websocket_of_another_site_is_refused(portal: Portal, endpoint: str) -> None:
    url = portal.url.removesuffix(PREFIX) + endpoint + "ws"

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(
                url, headers=portal.headers("alice"), origin="http://evil.example"
            )

    assert refused.value.status == 403
