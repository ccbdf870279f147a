"""What counts as use of a Jupyter server: a real one, with real kernels and terminals."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.support.ports import free_port
from tests.support.waiting import eventually, eventually_async

pytestmark = pytest.mark.timeout(120)

HEADERS = {"Authorization": "token secret"}
PROGRAM = """
import sys
from jupyter_server.serverapp import ServerApp
from zoe_client.jupyter import activity

activity.LOOK_EVERY = 0.2
ServerApp.launch_instance(sys.argv[1:])
"""


class Server:
    """A running one, without a Hub."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.socket_url = f"ws://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, headers=HEADERS, timeout=30)

    def used_at(self) -> datetime:
        """What it would tell the Hub."""
        answer = self.client.get("/api/status").raise_for_status()
        return datetime.fromisoformat(answer.json()["last_activity"])

    async def is_used(self) -> None:
        """Wait until it was used a second later than at first, and again."""
        before = self.used_at()
        await eventually_async(lambda: (self.used_at() - before).total_seconds() > 1)
        before = self.used_at()
        await eventually_async(lambda: (self.used_at() - before).total_seconds() > 1)

    async def is_idle(self) -> None:
        """Wait until it was not used for a second and a half: many looks."""

        await eventually_async(lambda: (datetime.now(UTC) - self.used_at()).total_seconds() > 1.5)

    @asynccontextmanager
    async def socket(self, path: str) -> AsyncIterator[WebSocketClientConnection]:
        request = HTTPRequest(f"{self.socket_url}{path}", headers=HEADERS)
        socket = await websocket_connect(request)
        yield socket
        socket.close()
        while await socket.read_message() is not None:
            pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(free_port())
    options = {
        "ServerApp.port": server.url.rpartition(":")[2],
        "ServerApp.root_dir": str(tmp_path),
        "ServerApp.jpserver_extensions": "{'zoe_client.jupyter': True}",
        "IdentityProvider.token": "secret",
        "ServerApp.open_browser": "False",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--allow-root", *words],
        stdin=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _answers(server, process), timeout=60)
        yield server
    finally:
        server.client.close()
        process.terminate()
        process.wait(timeout=30)


def _answers(server: Server, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    try:
        return server.client.get("/api/status").is_success
    except httpx.TransportError:
        return False


def execute(code: str) -> str:
    """The message that has a kernel run something."""
    header = {
        "msg_id": uuid4().hex,
        "msg_type": "execute_request",
        "session": "test",
        "username": "",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    return json.dumps({**message, "channel": "shell", "buffers": []})


async def test_a_kernel_that_computes_silently_counts(server: Server, tmp_path: Path) -> None:
    kernel = server.client.post("/api/kernels", json={}).raise_for_status().json()["id"]
    done = tmp_path / "done"
    loop = f"import os, time\nwhile not os.path.exists({str(done)!r}): time.sleep(0.1)"
    async with server.socket(f"/api/kernels/{kernel}/channels?session_id=test") as channels:
        await channels.write_message(execute(loop))

        def is_busy() -> bool:
            state = server.client.get(f"/api/kernels/{kernel}").json()["execution_state"]
            return bool(state == "busy")

        await eventually_async(is_busy)
        await server.is_used()
    await server.is_used()  # also when nobody looks
    done.touch()
    await server.is_idle()


async def test_a_terminal_counts_while_a_program_runs_in_it(server: Server) -> None:
    name = server.client.post("/api/terminals").raise_for_status().json()["name"]
    await server.is_idle()
    async with server.socket(f"/terminals/websocket/{name}") as terminal:
        await terminal.write_message(json.dumps(["stdin", "sleep 1000\r"]))
        await server.is_used()
    await server.is_used()
    async with server.socket(f"/terminals/websocket/{name}") as terminal:
        await terminal.write_message(json.dumps(["stdin", "\x03"]))
    await server.is_idle()


async def test_a_page_that_is_only_open_does_not_count(server: Server) -> None:
    await server.is_idle()
    idle_since = server.used_at()
    for path in ("contents", "kernels", "sessions", "terminals", "kernelspecs"):
        server.client.get(f"/api/{path}").raise_for_status()
    assert server.used_at() == idle_since
    file = {"type": "file", "format": "text", "content": ""}
    server.client.put("/api/contents/new.txt", json=file).raise_for_status()
    assert server.used_at() > idle_since
