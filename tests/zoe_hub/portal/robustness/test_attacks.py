"""Attacks on the portal, each of which is refused or shown as what it is: text.

The names of the attacks are the parameters of the tests; ``-v`` lists them.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.support.hub import PREFIX
from tests.support.login import Browser
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_bad_input import OWN, count_rows

API = f"{PREFIX}api/v1"
SCRIPT = "<script>alert(1)</script>"
BREAKOUT = "\"'><img src=x onerror=alert(1)>"
REFUSED = range(400, 500)


@pytest.fixture
async def browser(portal: Portal) -> AsyncIterator[Browser]:
    browser = Browser(portal.hub, portal.url)
    await browser.log_in("alice")
    yield browser
    await browser.client.aclose()


# --- scripts in texts ---


@pytest.mark.parametrize("text", [SCRIPT, BREAKOUT])
@pytest.mark.parametrize(
    "address",
    [
        "{}",
        "zapps/{}",
        "zapps/small?again={}",
        "?q={}",
        "executions?before={}",
        "executions/{}",
        "executions/1/endpoints/{}/80/",
        "static/{}",
        "api/v1/{}",
        "api/v1/executions?name={}&limit=x",
        "api/v1/executions?{}=1",
    ],
)
async def test_a_script_in_an_address_is_not_run(portal: Portal, address: str, text: str) -> None:
    headers = {**portal.headers("alice"), "Accept": "text/html"}
    answer = await portal.client.get(address.format(quote(text, safe="")), headers=headers)
    is_page = answer.headers.get("Content-Type", "").startswith("text/html")
    assert not (is_page and text in answer.text)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


SCRIPTED = {
    **OWN,
    "name": SCRIPT,
    "description": BREAKOUT,
    "services": [
        {**OWN["services"][0], "ports": [{"name": SCRIPT, "port_number": 80}], "labels": [BREAKOUT]}
    ],
}


async def test_a_script_in_a_description_is_not_run(portal: Portal) -> None:
    answer = await portal.request(
        "POST", "/executions", json={"description": SCRIPTED, "name": "fine"}
    )
    if answer.status_code not in REFUSED:
        for page in ("executions", f"executions/{answer.json()['id']}", "queue"):
            shown = await portal.client.get(page, headers=portal.headers("alice"))
            assert SCRIPT not in shown.text
            assert BREAKOUT not in shown.text


async def test_what_a_zapps_author_drew_runs_no_script(portal: Portal) -> None:
    logo = await portal.client.get("zapps/small/logo", headers=portal.headers("alice"))
    assert logo.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in logo.headers["Content-Security-Policy"] or (
        "default-src 'none'" in logo.headers["Content-Security-Policy"]
    )


async def test_our_pages_cannot_be_framed(portal: Portal) -> None:
    for page in ("", "executions", "queue", "nosuch"):
        shown = await portal.client.get(page, headers=portal.headers("alice"))
        assert shown.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in shown.headers["Content-Security-Policy"]


# --- requests that another site makes a browser send ---

FORM = {"name": "forged"}
FORGED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a form without the token": ("POST", "zapps/small", {"data": FORM}),
    "a form with a made-up token": ("POST", "zapps/small", {"data": {**FORM, "_xsrf": "x" * 40}}),
    "a form with a token of another kind": (
        "POST",
        "zapps/small",
        {"data": {**FORM, "_xsrf": "2|1|2|3"}},
    ),
    "a stop without the token": ("POST", "executions/1/stop", {"data": {}}),
    "REST without the token": ("POST", "api/v1/executions", {"json": {"zapp": "small"}}),
    "REST as a plain form": ("POST", "api/v1/executions", {"data": {"zapp": "small"}}),
    "REST as plain text": (
        "POST",
        "api/v1/executions",
        {"content": b'{"zapp": "small"}', "headers": {"Content-Type": "text/plain"}},
    ),
    "a deletion without the token": ("DELETE", "api/v1/executions/1", {}),
    "a change without the token": ("PATCH", "api/v1/executions/1", {"json": {"priority": "low"}}),
    "a made-up header": (
        "DELETE",
        "api/v1/executions/1",
        {"headers": {"X-XSRFToken": "made-up"}},
    ),
}


@pytest.mark.parametrize(("method", "path", "sent"), FORGED.values(), ids=FORGED)
async def test_a_forged_request_is_refused(
    portal: Portal, browser: Browser, method: str, path: str, sent: dict[str, Any]
) -> None:
    await portal.launch()
    before = count_rows(portal)
    answer = await browser.send(method, PREFIX + path, **sent)
    assert answer.status_code in (401, 403), answer.text
    assert count_rows(portal) == before


@pytest.mark.parametrize("name", ["Sec-Fetch-Site", "Origin"])
async def test_another_site_is_refused_even_with_the_token(
    portal: Portal, browser: Browser, name: str
) -> None:
    values = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    headers = {"X-XSRFToken": browser.xsrf, name: values[name]}
    if name == "Origin":
        headers["Sec-Fetch-Site"] = ""
    before = count_rows(portal)
    answer = await browser.send(
        "POST", f"{API}/executions", json={"zapp": "small"}, headers=headers
    )
    assert answer.status_code in (401, 403), answer.text
    assert count_rows(portal) == before


# --- who one is ---

IDENTITIES = {
    "a name in a header": {"X-JupyterHub-User": "olga", "X-Forwarded-User": "olga"},
    "a made-up token": {"Authorization": "token " + "0" * 32},
    "an empty token": {"Authorization": "token"},
    "a password": {"Authorization": "Basic b2xnYTpvbGdh"},
    "a made-up cookie": {"Cookie": "service-zoe=2|1:0|10:1|11:service-zoe|4:YWJj|" + "0" * 64},
    "a session of nobody": {"Cookie": "jupyterhub-session-id=0123456789abcdef"},
}


@pytest.mark.parametrize("headers", IDENTITIES.values(), ids=IDENTITIES)
async def test_who_is_not_known_learns_nothing(portal: Portal, headers: dict[str, str]) -> None:
    it = (await portal.launch(name="hers"))["id"]
    for path in ("executions", f"executions/{it}", "audit", "info", "events"):
        answer = await portal.client.get(f"api/v1/{path}", headers=headers)
        assert answer.status_code == 401, answer.text
        assert "hers" not in answer.text


# --- paths ---

PATHS = (
    "static/../../../../etc/passwd",
    "static/..%2f..%2f..%2fetc/passwd",
    "static/%2e%2e/%2e%2e/portal/app.py",
    "static//etc/passwd",
    "static/..\\..\\app.py",
    "static/css/%00zoe.css",
    "zapps/..%2fsecret/logo",
    "zapps/secret/logo",
    "zapps/small/../secret",
    "zapps/%2e%2e%2fsecret",
    "executions/1%2f..%2f2",
    "executions/../api/v1/audit",
    "executions/00000000000000000001/stop",
    "executions/-1",
    "executions/9999999999999999999999",
    "executions/1/endpoints/../../../api/v1/audit",
    "api/v1/executions/1/instances/..%2f..%2fmain-0/logs",
    "api/v1/executions/1/instances/%2e%2e/logs",
    "api/v1/zapps/..%2f..%2fetc",
    "api/v1/nodes/..%2f..",
)


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_leads_nowhere_else(portal: Portal, path: str) -> None:
    await portal.launch("bob")
    target = f"{urlsplit(portal.url).path}{path}".encode()
    token = portal.headers("alice")["Authorization"].encode()
    answer = await raw(
        portal, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nAuthorization: " + token
    )
    status = int(answer.split(b" ")[1])
    assert status in REFUSED, answer
    assert b"root:" not in answer
    assert b"import " not in answer


async def raw(portal: Portal, head: bytes, rest: bytes = b"", *, end: bool = True) -> bytes:
    """Send bytes as they are, and return all that comes back until the portal closes."""
    place = urlsplit(portal.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        writer.write(head + (b"\r\nConnection: close\r\n\r\n" if end else b"") + rest)
        await writer.drain()
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()


# --- lines in headers ---


@pytest.mark.parametrize("text", ["x\r\nSet-Cookie: a=b", "x\nSet-Cookie: a=b", "x\r\n\r\n<p>"])
async def test_no_line_of_an_answers_head_is_made_by_a_request(portal: Portal, text: str) -> None:
    token = portal.headers("alice")
    addresses = [
        f"executions/1/endpoints/main-0/80?{quote(text)}",
        f"zapps/{quote(text)}",
        f"?next={quote(text)}",
    ]
    for headers in (token, {"Sec-Fetch-Mode": "navigate"}):
        for address in addresses:
            answer = await portal.client.get(address, headers=headers)
            assert answer.cookies.get("a") is None
    named = await portal.request("POST", "/executions", json={"zapp": "small", "name": text})
    assert named.status_code in REFUSED


@pytest.mark.parametrize(
    "line",
    [
        b"Idempotency-Key: a\r b",
        b"Idempotency-Key: \xff\xfe",
        b"Last-Event-ID: 1\x0b2",
        b"X: a\x00b",
        b" folded: line",
        b"no colon at all",
        b"Content-Length: -1",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Content-Length: 0x10",
    ],
)
async def test_a_head_that_is_none_is_refused(portal: Portal, line: bytes) -> None:
    before = count_rows(portal)
    token = portal.headers("alice")["Authorization"].encode()
    start = b"POST " + f"{API}/executions".encode() + b" HTTP/1.1\r\nHost: x\r\nAuthorization: "
    answer = await raw(portal, start + token + b"\r\n" + line, b'{"zapp": "small"}')
    assert not answer or int(answer.split(b" ")[1]) in REFUSED
    assert count_rows(portal) == before


async def test_a_made_up_host_is_no_address_to_go_to(portal: Portal) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = await portal.client.get("", headers={**headers, "Sec-Fetch-Mode": "navigate"})
    assert answer.is_redirect
    assert urlsplit(answer.headers["Location"]).netloc == ""


# --- too much ---


def nested(depth: int) -> bytes:
    return b'{"zapp": "small", "parameters": ' + b"[" * depth + b"]" * depth + b"}"


LARGE: dict[str, bytes] = {
    "10 MB": b'{"zapp": "' + b"x" * 10_000_000 + b'"}',
    "nested without end": nested(200_000),
    "a hundred thousand fields": json.dumps(
        {"zapp": "small", "parameters": {f"p{each}": 1 for each in range(60_000)}}
    ).encode(),
    "an endless number": b'{"zapp": "small", "parameters": {"workers": ' + b"9" * 500_000 + b"}}",
    "no number": b'{"zapp": "small", "parameters": {"workers": NaN}}',
    "beyond all numbers": b'{"zapp": "small", "parameters": {"workers": 1e999}}',
    "half a character": b'{"zapp": "\\ud800"}',
    "NUL": b'{"zapp": "small", "name": "a\\u0000b"}',
    "not UTF-8": b'{"zapp": "\xff"}',
    "the same field twice": b'{"zapp": "small", "zapp": "secret"}',
    "a thousand services": json.dumps(
        {"description": {**OWN, "services": OWN["services"] * 1000}}
    ).encode(),
    "SQL": b'{"zapp": "small\'; DROP TABLE executions; --"}',
}


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE)
async def test_a_body_that_is_too_much_is_refused(portal: Portal, body: bytes) -> None:
    before = count_rows(portal)
    headers = {**portal.headers("alice"), "Content-Type": "application/json"}
    answer = await portal.client.post("api/v1/executions", content=body, headers=headers)
    assert answer.status_code in REFUSED, answer.text
    assert len(answer.content) < 100_000
    assert count_rows(portal) == before


@pytest.mark.parametrize(
    "head",
    [
        b"GET " + PREFIX.encode() + b"?" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x",
        b"GET " + PREFIX.encode() + b" HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000,
        b"GET " + PREFIX.encode() + b" HTTP/1.1\r\nHost: x" + b"\r\nA: b" * 50_000,
    ],
    ids=["address", "header", "headers"],
)
async def test_an_endless_head_is_refused(portal: Portal, head: bytes) -> None:
    try:
        answer = await raw(portal, head)
    except ConnectionError:
        answer = b""
    assert not answer or int(answer.split(b" ")[1]) in REFUSED


async def test_a_search_for_sql_finds_nothing(portal: Portal) -> None:
    await portal.launch()
    for text in ("' OR 1=1 --", "%", "_", "\\", "'; SELECT pg_sleep(60) --"):
        answer = await portal.get("/executions", params={"name": text})
        assert answer.json()["items"] == []


async def test_a_form_cannot_be_answered_with_another_method(portal: Portal) -> None:
    for method in ("TRACE", "CONNECT", "PROPFIND", "OPTIONS"):
        head = f"{method} {API}/executions HTTP/1.1\r\nHost: x".encode()
        answer = await raw(portal, head)
        assert int(answer.split(b" ")[1]) in REFUSED


async def test_a_token_in_an_address_is_no_login(portal: Portal) -> None:
    token = portal.headers("alice")["Authorization"].removeprefix("token ")
    answer = await portal.client.get(f"api/v1/info?token={token}")
    assert answer.status_code == 401


def test_there_are_at_least_forty() -> None:
    assert sum(map(len, (FORGED, IDENTITIES, PATHS, LARGE))) >= 40
