"""An application that runs in an instance, and an endpoint that leads to it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.support.hub import PREFIX
from tests.support.login import Browser
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python
from zoe_store.tables import instances

MESSAGE = 2**20  # bytes; the portal's own limit is larger
BODY = b"0123456789" * 300_000  # 3 MB: more than our own handlers accept


class Application:
    """What runs in the instance: it remembers what it was sent."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.said: list[str | bytes] = []  # in websockets
        self.arrived = 0
        self.go_on = asyncio.Event()
        self.app = web.Application(client_max_size=2**30)
        self.app.router.add_get("/redirect", self.redirect)
        self.app.router.add_get("/slow", self.slow)
        self.app.router.add_get("/late", self.late)
        self.app.router.add_get("/ws", self.websocket)
        self.app.router.add_get("/cut", self.cut)
        self.app.router.add_post("/upload", self.upload)
        self.app.router.add_route("*", "/{path:.*}", self.echo)

    async def echo(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        return web.json_response(
            {"path": request.raw_path, "method": request.method},
            headers={"Set-Cookie": "mine=1; Path=/", "Service-Worker-Allowed": "/"},
        )

    async def redirect(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(f"http://{request.host}/jobs/")

    async def slow(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await self.go_on.wait()
        await response.write(b"second")
        return response

    async def late(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        await self.go_on.wait()
        return web.Response()

    async def cut(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"only this")
        assert request.transport is not None
        request.transport.close()
        return response

    async def upload(self, request: web.Request) -> web.Response:
        async for chunk in request.content.iter_any():
            self.arrived += len(chunk)
            self.go_on.set()
        return web.Response(text=str(self.arrived), status=201)

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        self.requests.append(request)
        socket = web.WebSocketResponse(protocols=("chat",))
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            self.said.append(message.data)
            if message.data == "bye":
                await socket.close(code=4001)
            elif message.data == "flood":
                await socket.send_bytes(bytes(MESSAGE + 1))
            elif message.data == "vanish":
                assert request.transport is not None
                request.transport.abort()
            elif message.type is aiohttp.WSMsgType.BINARY:
                await socket.send_bytes(message.data[::-1])
            else:
                await socket.send_str(f"you said {message.data}")
        return socket


@pytest.fixture
async def application() -> AsyncIterator[tuple[Application, int]]:
    running = Application()
    runner = web.AppRunner(running.app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    yield running, port
    await runner.cleanup()


@pytest.fixture
async def endpoint(portal: Portal, application: tuple[Application, int]) -> str:
    """The path of an endpoint of a running instance of alice."""
    return await launch(portal, application[1])


async def launch(portal: Portal, port: int, **state: Any) -> str:
    """Launch, and do what the master does when the instance runs."""
    description = python("serve", ports=[
        {"name": "page", "port_number": 8080},
        {"name": "below", "port_number": 8081, "proxy": True},
        {"name": "lab", "port_number": 8082, "url_template": "http://{ip_port}/lab"},
        {"name": "data", "port_number": 9000, "kind": "tcp"},
    ])  # fmt: skip
    answer = await portal.request("POST", "/executions", json={"description": description})
    number = answer.json()["id"]
    addresses = [[each, "127.0.0.1", port] for each in (8080, 8081, 8082, 9000)]
    values: dict[str, Any] = {
        "execution_id": number,
        "service": "main",
        "index": 0,
        "attempt": 1,
        "node": "here",
        "memory": 2**26,
        "millicores": 100,
        "essential": True,
        "monitor": True,
        "desired": "present",
        "observed": "running",
        "addresses": addresses,
        **state,
    }
    with portal.database.transaction() as connection:
        connection.execute(instances.insert().values(**values))
    return f"{PREFIX}executions/{number}/endpoints/main-0/8080/"


@pytest.fixture
async def browser(portal: Portal) -> AsyncIterator[Browser]:
    browser = Browser(portal.hub, portal.url)
    await browser.log_in("alice")
    yield browser
    await browser.client.aclose()
