"""What is followed when the portal is of another version: said as it is of answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

import zoe_client
from tests.support.waiting import eventually
from zoe_client import AsyncClient, AsyncExecution, Client, NoConnection
from zoe_client._bridge import portal
from zoe_client.cli.commands.top import Watch
from zoe_client.cli.zoe import zoe
from zoe_core.protocol import rest

URL = "http://zoe.example/"
KNOWN = rest.Execution.model_validate(
    {
        "id": 7,
        "name": "job",
        "zapp": None,
        "user": "alice",
        "status": "running",
        "submitted_at": "2026-11-02T12:00:00Z",
        "url": "/executions/7",
        "instances": [
            {
                "name": "main-0",
                "service": "main",
                "status": "running",
                "node": "n1",
                "attempt": 1,
                "essential": True,
                "monitor": True,
                "resources": {"memory": 1, "cores": 1},
            },
        ],
    }
)
UNKNOWN = KNOWN.model_dump_json().replace('"running"', '"pondering"', 1)
STREAM = (
    f"event: execution\ndata: {KNOWN.model_dump_json()}\n\n"
    f"event: execution\ndata: {UNKNOWN}\n\n"
    'id: 1\nevent: status\ndata: {"kind": "of another version"}\n\n'
)


def answer(request: httpx.Request) -> httpx.Response:
    """As a portal whose executions have one more status, which this one has come to by now."""
    what = request.url.path.removeprefix("/api/v1")
    if what.endswith("/events"):
        return httpx.Response(200, text=STREAM, headers={"Content-Type": "text/event-stream"})
    if what.endswith("/logs"):
        place = {"X-Log-Attempt": "1", "X-Log-Offset": request.url.params.get("offset", "0")}
        return httpx.Response(
            200, text="" if "offset" in request.url.params else "a\n", headers=place
        )
    if what == "/executions" and request.method == "GET":
        return httpx.Response(200, json={"items": []})
    if what == "/cluster":
        return httpx.Response(200, json={"items": [], "scheduler": {"status": "running"}})
    return httpx.Response(200, text=KNOWN.model_dump_json())


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(URL, "t", transport=httpx.MockTransport(answer)) as client:
        yield client


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands ask that portal."""

    def connect(**given: Any) -> Client:
        return Client(URL, "t", transport=httpx.MockTransport(answer), **given)

    monkeypatch.setattr(zoe_client, "Client", connect)


Follow = Callable[[AsyncClient, AsyncExecution], AsyncGenerator[Any, None]]


@pytest.mark.parametrize(
    "follow",
    [
        lambda client, _: client.events(),
        lambda client, _: client.watch(),
        lambda _, execution: execution.events(),
        lambda _, execution: execution.watch(),
        lambda _, execution: execution.logs(follow=True),
    ],
    ids=["events", "watch", "its events", "its changes", "its log"],
)
async def test_a_document_that_nobody_understands_is_no_answer_of_zoe(
    client: AsyncClient, follow: Follow
) -> None:
    execution = await client.get(7)

    async with asyncio.timeout(60):
        with pytest.raises(NoConnection, match=f"{URL} does not answer as Zoe does") as failed:
            async for _ in follow(client, execution):
                pass

    assert not failed.value.passing


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize("arguments", [("logs", "-f", "7"), ("run", "x", "--wait")])
def test_a_command_says_it_in_one_line(arguments: tuple[str, ...]) -> None:
    ended = CliRunner().invoke(zoe, arguments)

    assert ended.exit_code == 1
    *_, said = ended.stderr.splitlines()
    assert said.startswith(f"zoe: {URL} does not answer as Zoe does")


def test_top_says_it_and_goes_on_listening() -> None:
    with Client(URL, "t", transport=httpx.MockTransport(answer)) as client:
        watch = Watch(client)
        listening = portal().start_task_soon(watch.listen)
        try:
            eventually(lambda: "does not answer as Zoe does" in watch.trouble)
            assert not listening.done()
        finally:
            listening.cancel()
