"""The Python client against a real portal."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.waiting import eventually, eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python
from zoe_client import (
    Client,
    InvalidRequest,
    NoAccess,
    NoConnection,
    NotFound,
    ZoeError,
)
from zoe_core.protocol.rest import ExecutionRequest
from zoe_hub.portal import sse


@pytest.fixture
async def client(portal: Portal) -> AsyncIterator[Client]:
    token = portal.headers("alice")["Authorization"].removeprefix("token ")
    client = Client(portal.url, token)
    yield client
    client.close()


async def test_it_launches_and_follows_what_it_launched(client: Client) -> None:
    info = await asyncio.to_thread(client.info)
    zapps = await asyncio.to_thread(client.zapps)
    launched = await asyncio.to_thread(client.launch, "small", "mine", workers=3)
    seen = await asyncio.to_thread(client.get, launched.id)
    stopped = await asyncio.to_thread(client.stop, launched.id)

    assert info.caller.name == "alice"
    assert "small" in {each.slug for each in zapps}
    assert (await asyncio.to_thread(client.zapp, "small")).parameters[0].alias == "workers"
    assert (launched.name, launched.parameters) == ("mine", {"workers": 3})
    assert seen == launched
    assert stopped.id == launched.id


async def test_a_list_fetches_its_pages_as_needed(portal: Portal, client: Client) -> None:
    for number in range(55):
        await portal.launch(name=f"number {number}")

    found = await asyncio.to_thread(lambda: list(client.executions(name="number")))
    none = await asyncio.to_thread(lambda: list(client.executions(status=["running"])))

    assert len({each.id for each in found}) == 55
    assert none == []


async def test_a_key_makes_a_launch_safe_to_repeat(client: Client) -> None:
    first = await asyncio.to_thread(client.launch, "small", idempotency_key="k")
    again = await asyncio.to_thread(client.launch, "small", idempotency_key="k")

    assert first.id == again.id


async def test_errors_are_exceptions_that_say_what_is_wrong(portal: Portal, client: Client) -> None:
    with pytest.raises(InvalidRequest, match="1 to 4") as invalid:
        await asyncio.to_thread(client.launch, "small", workers=9)
    with pytest.raises(InvalidRequest, match="name"):
        await asyncio.to_thread(client.launch, "small", "x" * 999)
    with pytest.raises(NotFound, match="no execution 99"):
        await asyncio.to_thread(client.get, 99)
    with Client(portal.url, "nonsense") as stranger, pytest.raises(NoAccess):
        await asyncio.to_thread(stranger.info)
    with Client("http://127.0.0.1:1/", "t") as lost, pytest.raises(NoConnection, match=":1/"):
        await asyncio.to_thread(lost.info)
    with Client(portal.hub.url, "t") as wrong, pytest.raises(NoConnection, match="as Zoe does"):
        await asyncio.to_thread(wrong.info)

    assert invalid.value.problem.field == "parameters.workers"
    assert isinstance(invalid.value, ZoeError)


async def test_parameters_may_have_the_names_of_arguments(client: Client) -> None:
    parameters = {"resources": "many", "runtime_limit": 60}
    request = ExecutionRequest(zapp="small", parameters=parameters)

    for ask in (client.submit, client.estimate_request):
        with pytest.raises(InvalidRequest) as refused:  # for this ZApp has none that are called so
            await asyncio.to_thread(ask, request)
        told = {each.field for each in refused.value.problem.problems}
        assert told == {"parameters.resources", "parameters.runtime_limit"}


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
async def test_a_number_that_is_none_is_refused_by_its_name(
    portal: Portal, client: Client, number: float
) -> None:
    def asked() -> Iterator[Callable[[], object]]:
        yield lambda: client.launch("small", workers=number)
        request = ExecutionRequest(zapp="small", parameters={"workers": number})
        yield lambda: client.submit(request)
        yield lambda: client.estimate("small", workers=number)

    for ask in asked():
        with pytest.raises(InvalidRequest, match=f"workers: is {number}: must be a") as refused:
            await asyncio.to_thread(ask)
        assert refused.value.problem.field == "parameters.workers"
    with pytest.raises(InvalidRequest, match=r"description.services\[0\].memory: is"):
        await asyncio.to_thread(client.run, {"services": [{"memory": number}]})
    assert (await portal.get("/executions")).json()["items"] == []


class CountsLogs(httpx.AsyncHTTPTransport):
    """Counts how often a log is asked for."""

    logs = 0

    def __init__(self) -> None:
        super().__init__()
        self.goal = threading.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.logs += request.url.path.endswith("/logs")
        return await super().handle_async_request(request)


@pytest.mark.usefixtures("master")
@pytest.mark.parametrize(("life", "connections"), [(sse.MAX_STREAM, 1), (0.3, 3)])
async def test_a_log_is_followed_to_its_end(
    portal: Portal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    life: float,
    connections: int,
) -> None:
    monkeypatch.setattr(sse, "MAX_STREAM", life)  # seconds until the portal breaks off
    counted = CountsLogs()
    token = portal.headers("alice")["Authorization"].removeprefix("token ")
    client = Client(portal.url, token, transport=counted)
    flag = tmp_path / "go-on"
    program = (
        f"import os, time\nprint('begun \u2713')\n"
        f"while not os.path.exists({str(flag)!r}): time.sleep(0.02)\nprint('done')"
    )
    answer = await portal.request("POST", "/executions", json={"description": python(program)})
    number = answer.json()["id"]
    await eventually_async(
        lambda: asyncio.to_thread(lambda: client.get(number).instances), timeout=60
    )

    def read() -> Iterator[str]:
        seen = []
        for piece in client.logs(number, "main-0", follow=True):
            seen.append(piece)
            if "begun" in "".join(seen):
                counted.goal.set()
            yield piece

    def go_on() -> None:
        counted.goal.wait(60)
        eventually(lambda: counted.logs >= connections)
        flag.touch()

    async with asyncio.timeout(60):
        _, text = await asyncio.gather(
            asyncio.to_thread(go_on), asyncio.to_thread(lambda: "".join(read()))
        )
        assert text == "begun ✓\ndone\n"
        whole = await asyncio.to_thread(lambda: "".join(client.logs(number, "main-0")))
    assert whole == "begun ✓\ndone\n"
    client.close()


async def test_a_log_of_nothing_is_an_error_also_when_it_is_followed(client: Client) -> None:
    with pytest.raises(NotFound):
        await asyncio.to_thread(lambda: list(client.logs(99, "main-0", follow=True)))
