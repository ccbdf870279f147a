"""Endpoints on the hosts of their executions: what is not served there, and when it ends."""

import asyncio

import aiohttp
import httpx
import pytest

from tests.support.hub import PREFIX
from tests.support.login import Browser
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.endpoints.application import application, endpoint, launch
from tests.zoe_hub.portal.endpoints.hosts import (
    MAIN,
    NAVIGATE,
    PATIENCE,
    Hosts,
    People,
    Serve,
    alice,
    cookies_of,
    hand_over,
    host,
    number_of,
    people,
    portal,
    step,
)
from zoe_hub.portal import reviews

__all__ = ["alice", "application", "endpoint", "host", "people", "portal"]


@pytest.mark.parametrize(
    "path",
    ["", "api/v1/info", "api/v1/executions", "executions/{}", "static/css/zoe.css",
     "oauth_callback?code=1&state=2", "executions/{}/endpoints", "nothing"],
)  # fmt: skip
async def test_nothing_of_the_portal_is_served_there(
    portal: Portal, alice: Browser, host: Hosts, endpoint: str, path: str
) -> None:
    there = host()
    await hand_over(alice, there, endpoint)
    headers = portal.headers("alice") | {"Cookie": f"{there.cookies}; {cookies_of(alice)}"}
    for method in ("GET", "POST", "DELETE"):
        address = PREFIX + path.format(there.number)
        answer = await there.client.request(method, address, headers=headers)
        assert answer.status_code == 404, (method, answer.text)
        assert answer.json()["detail"] == "There is nothing at this address."


async def test_the_portal_s_login_is_not_known_there(
    alice: Browser, host: Hosts, endpoint: str
) -> None:
    answer = await host().open(endpoint, Cookie=cookies_of(alice))
    assert answer.headers["Location"].startswith(f"{MAIN}{PREFIX}executions/")


async def test_a_page_says_what_is_wrong_and_needs_nothing_else(
    portal: Portal, alice: Browser, host: Hosts
) -> None:
    endpoint = await launch(portal, 1, observed="exited")
    there = host(number_of(endpoint))
    answer = await hand_over(alice, there, endpoint)
    assert answer.status_code == 409
    assert "it is running" in answer.text
    assert f'href="{MAIN}{PREFIX}executions/{there.number}"' in answer.text
    assert "<script" not in answer.text
    assert "stylesheet" not in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_the_portal_s_host_leads_there(alice: Browser, endpoint: str) -> None:
    number = number_of(endpoint)
    answer = await alice.client.get(alice._address(f"{endpoint}x?y=1"), headers=NAVIGATE)
    assert answer.headers["Location"] == f"http://execution--{number}.zoe.test:8000{endpoint}x?y=1"
    assert (await alice.send("POST", endpoint)).status_code == 405


@pytest.mark.parametrize(
    "wanted",
    ["", "//evil.example/", "https://evil.example/", f"{PREFIX}executions/1/endpoints/main-0/1/",
     "{}\r\nSet-Cookie: a=b", "{}é"],
)  # fmt: skip
async def test_the_way_in_leads_to_endpoints_only(
    alice: Browser, endpoint: str, wanted: str
) -> None:
    number = number_of(endpoint)
    wanted = wanted.replace("executions/1/", f"executions/{number + 1}/").format(endpoint)
    query = httpx.QueryParams({"browser": "0" * 64, "next": wanted})
    answer = await step(alice, f"{MAIN}{PREFIX}executions/{number}/enter?{query}")
    assert answer.status_code == 400
    for mark in ("", "é" * 64, "0" * 63):
        query = httpx.QueryParams({"browser": mark, "next": endpoint})
        answer = await step(alice, f"{MAIN}{PREFIX}executions/{number}/enter?{query}")
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403),
        ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403),
    ],
)
@pytest.mark.parametrize("site", ["same-site", "cross-site"])
async def test_other_sites_may_only_link_to_it(
    alice: Browser, host: Hosts, endpoint: str, headers: dict[str, str], status: int, site: str
) -> None:
    there = host()
    await hand_over(alice, there, endpoint)
    sent = {**headers, "Sec-Fetch-Site": site}
    assert (await there.client.get(endpoint, headers=sent)).status_code == status
    assert (await there.client.post(endpoint, headers=sent)).status_code == 403
    own = {**headers, "Sec-Fetch-Site": "same-origin"}
    assert (await there.client.post(endpoint, headers=own)).status_code == 200


async def test_a_script_may_use_a_token(
    portal: Portal, host: Hosts, endpoint: str, application: Serve
) -> None:
    there = host()
    answer = await there.client.get(endpoint, headers=portal.headers("alice"))
    strangers = await there.client.get(endpoint, headers=portal.headers("bob"))
    nobodys = await there.client.get(endpoint, headers={"Sec-Fetch-Mode": "cors"})
    assert answer.status_code == 200
    assert "Authorization" not in application[0].requests[0].headers
    assert (strangers.status_code, nobodys.status_code) == (404, 401)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch, portal: Portal) -> None:
    monkeypatch.setattr(reviews, "EVERY", 0.2)
    monkeypatch.setattr(reviews, "TOGETHER", 0.0)
    portal.application.settings["hub_auth"].cache.max_age = 1


async def test_a_websocket_ends_with_the_login_and_nobody_is_let_in_again(
    portal: Portal, alice: Browser, host: Hosts, endpoint: str, often: None
) -> None:
    there = host()
    await hand_over(alice, there, endpoint)
    url = portal.url.removesuffix(PREFIX) + endpoint + "ws"
    headers = {"Host": there.name, "Cookie": there.cookies, "Sec-Fetch-Mode": "websocket"}
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        for origin in (MAIN, "http://execution--99.zoe.test:8000", "http://evil.example"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(url, headers=headers, origin=origin)
            assert refused.value.status == 403
        own = f"http://{there.name}"
        async with session.ws_connect(url, headers=headers, origin=own) as socket:
            await socket.send_str("hello")
            assert (await socket.receive()).data == "you said hello"
            await alice.open("/hub/logout")
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1008

    async def sent_away() -> bool:
        answer = await there.open(endpoint)
        return answer.headers.get("Location", "").startswith(MAIN)

    await eventually_async(sent_away)


async def test_an_operator_has_it_open_only_as_long_as_she_is_one(
    portal: Portal, people: People, host: Hosts, endpoint: str, often: None
) -> None:
    there, bob, group = host(), people(), "/groups/zoe-admin/users"
    portal.hub.api("POST", group, json={"users": ["bob"]})
    try:
        await bob.log_in("bob")
        await hand_over(bob, there, endpoint)
        url = portal.url.removesuffix(PREFIX) + endpoint + "ws"
        headers = {"Host": there.name, "Cookie": there.cookies}
        async with (
            asyncio.timeout(PATIENCE),
            aiohttp.ClientSession() as session,
            session.ws_connect(url, headers=headers) as socket,
        ):
            portal.hub.api("DELETE", group, json={"users": ["bob"]})
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
    finally:
        portal.hub.api("DELETE", group, json={"users": ["bob"]})

    async def refused() -> bool:
        return (await there.open(endpoint)).status_code == 404

    await eventually_async(refused)
