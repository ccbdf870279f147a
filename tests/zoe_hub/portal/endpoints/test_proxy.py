"""Opening endpoints: a real application behind the real proxy, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.hub import PREFIX
from tests.support.login import Browser
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.endpoints.application import (
    BODY,
    Application,
    application,
    browser,
    endpoint,
    launch,
)

__all__ = ["application", "browser", "endpoint"]


async def test_the_document_of_the_execution_says_where_its_endpoints_are(
    portal: Portal, endpoint: str
) -> None:
    number = endpoint.split("/")[4]
    (instance,) = (await portal.get(f"/executions/{number}")).json()["instances"]
    endpoints = (await portal.get(f"/executions/{number}")).json()["endpoints"]

    assert instance["status"] == "running"
    assert [(each["name"], each["port"], each["url"]) for each in endpoints] == [
        ("page", 8080, endpoint),
        ("below", 8081, endpoint.replace("8080", "8081")),
        ("lab", 8082, endpoint.replace("8080", "8082") + "lab"),
    ]


async def test_a_page_is_passed_on_without_what_belongs_to_the_hub(
    browser: Browser, endpoint: str, application: tuple[Application, int]
) -> None:
    answer = await browser.open(f"{endpoint}a%2Fb/c?x=%20y")

    assert answer.json() == {"path": "/a%2Fb/c?x=%20y", "method": "GET"}
    (request,) = application[0].requests
    assert "Authorization" not in request.headers
    assert "service-zoe" not in request.headers.get("Cookie", "")
    assert "_xsrf" not in request.headers.get("Cookie", "")
    assert request.headers["X-Forwarded-Prefix"] == endpoint.rstrip("/")
    assert answer.headers["Set-Cookie"] == f"mine=1; Path={endpoint}"
    assert "Service-Worker-Allowed" not in answer.headers
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
    assert "X-Frame-Options" not in answer.headers
    again = await browser.open(endpoint)
    assert again.status_code == 200
    assert application[0].requests[-1].headers["Cookie"] == "mine=1"


async def test_an_application_may_serve_below_the_endpoint_itself(
    browser: Browser, endpoint: str
) -> None:
    below = endpoint.replace("8080", "8081")

    assert (await browser.open(f"{below}jobs")).json()["path"] == f"{below}jobs"


async def test_a_missing_slash_is_added(browser: Browser, endpoint: str) -> None:
    answer = await browser.open(f"{endpoint.rstrip('/')}?x=1")

    assert answer.url.path == endpoint
    assert answer.json()["path"] == "/?x=1"


async def test_a_redirect_stays_below_the_endpoint(browser: Browser, endpoint: str) -> None:
    answer = await browser.send("GET", f"{endpoint}redirect")

    assert answer.headers["Location"] == f"{endpoint}jobs/"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_page_of_the_instance_may_send_without_the_hubs_xsrf_token(
    browser: Browser, endpoint: str, method: str
) -> None:
    answer = await browser.send(method, f"{endpoint}form", content=b"a=1")

    assert answer.json() == {"path": "/form", "method": method}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {"Sec-Fetch-Site": "cross-site"}),
        ("POST", {"Sec-Fetch-Site": "same-site"}),
        ("GET", {"Sec-Fetch-Site": "cross-site"}),
        ("DELETE", {"Sec-Fetch-Site": "cross-site"}),
    ],
)
async def test_another_site_may_not(
    browser: Browser,
    endpoint: str,
    application: tuple[Application, int],
    method: str,
    headers: dict[str, str],
) -> None:
    answer = await browser.send(method, f"{endpoint}form", headers=headers)

    assert answer.status_code == 403
    assert application[0].requests == []


async def test_an_old_browser_says_where_a_request_comes_from_with_origin(
    browser: Browser, endpoint: str
) -> None:
    url = browser._address(f"{endpoint}form")
    host = url.split("/")[2]

    ours = await browser.client.post(url, headers={"Origin": f"http://{host}"})
    theirs = await browser.client.post(url, headers={"Origin": "http://evil.example"})

    assert (ours.status_code, theirs.status_code) == (200, 403)


async def test_head_has_headers_only(browser: Browser, endpoint: str) -> None:
    answer = await browser.send("HEAD", endpoint)

    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) > 0
    assert answer.content == b""


async def test_an_answer_is_streamed(
    browser: Browser, endpoint: str, application: tuple[Application, int]
) -> None:
    url = browser._address(f"{endpoint}slow")
    pieces = []

    async with asyncio.timeout(30), browser.client.stream("GET", url) as answer:
        async for piece in answer.aiter_raw():
            pieces.append(piece)
            application[0].go_on.set()

    assert pieces == [b"first", b"second"]


async def test_a_large_body_is_streamed_and_not_limited(
    browser: Browser, endpoint: str, application: tuple[Application, int]
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield BODY
        await application[0].go_on.wait()  # the instance has some of it already
        yield BODY

    async with asyncio.timeout(60):
        answer = await browser.send("POST", f"{endpoint}upload", content=pieces())

    assert (answer.status_code, answer.text) == (201, str(2 * len(BODY)))


async def test_an_answer_that_breaks_off_does_not_look_whole(
    browser: Browser, endpoint: str
) -> None:
    with pytest.raises(Exception, match=r"peer closed|incomplete|disconnected"):
        await browser.send("GET", f"{endpoint}cut")


async def test_a_browser_that_does_not_wait_for_an_answer_is_no_incident(
    portal: Portal,
    endpoint: str,
    application: tuple[Application, int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = portal.url.removesuffix(PREFIX) + f"{endpoint}late"
    visit = asyncio.ensure_future(portal.client.get(url, headers=portal.headers("alice")))
    await eventually_async(lambda: len(application[0].requests) == 1)
    (request,) = application[0].requests

    visit.cancel()

    await eventually_async(lambda: request.transport is None or request.transport.is_closing())
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_only_the_owner_may_open_it(portal: Portal, endpoint: str) -> None:
    url = portal.url.removesuffix(PREFIX) + endpoint
    operator = portal.headers("olga", ("access:services!service=zoe", "custom:zoe:operate-others"))

    theirs = await portal.client.get(url, headers=portal.headers("bob"))
    operators = await portal.client.get(url, headers=operator)
    nobodys = await portal.client.get(url)

    assert theirs.status_code == 404
    assert operators.status_code == 403
    assert "alice" in operators.json()["detail"]
    assert nobodys.is_redirect  # to the login
    assert "/oauth2/authorize" in nobodys.headers["Location"]


@pytest.mark.parametrize(
    ("state", "path", "status", "said"),
    [
        ({"observed": "exited"}, "main-0/8080/", 409, "exited"),
        ({"observed": "creating"}, "main-0/8080/", 409, "starting"),
        ({"addresses": []}, "main-0/8080/", 409, "no address"),
        ({}, "main-0/9000/", 404, "no web port 9000"),
        ({}, "main-0/1234/", 404, "no web port 1234"),
        ({}, "main-1/8080/", 404, "no instance main-1"),
        ({"addresses": [[8080, "127.0.0.1", 1]]}, "main-0/8080/", 502, "nothing answers"),
    ],
)
async def test_what_cannot_be_opened_is_explained(
    portal: Portal, browser: Browser, state: dict[str, Any], path: str, status: int, said: str
) -> None:
    endpoint = await launch(portal, 1, **state)
    address = endpoint.replace("main-0/8080/", path)

    page = await browser.client.get(browser._address(address), headers={"Accept": "text/html"})
    document = await browser.send("GET", address, headers={"X-XSRFToken": browser.xsrf})

    assert (page.status_code, document.status_code) == (status, status)
    assert page.headers["Content-Type"].startswith("text/html")
    assert said in page.text
    assert said in document.json()["detail"]


async def test_a_body_that_nobody_reads_does_not_hold_the_portal(
    portal: Portal, browser: Browser
) -> None:
    endpoint = await launch(portal, 1)

    async with asyncio.timeout(60):
        answer = await browser.send("POST", f"{endpoint}upload", content=BODY)

    assert answer.status_code == 502
