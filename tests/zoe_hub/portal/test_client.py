"""The Python client against a real portal."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python
from zoe_client import (
    Client,
    InvalidRequest,
    NoAccess,
    NoConnection,
    NotFound,
    Unavailable,
    ZoeError,
)
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


async def test_a_launch_whose_answer_was_lost_is_not_made_twice(portal: Portal) -> None:
    class LosesTheFirstAnswer(httpx.HTTPTransport):
        lost = False

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            if not self.lost:
                self.lost = True
                answer.read()
                raise httpx.ReadError("lost", request=request)
            return answer

    token = portal.headers("alice")["Authorization"].removeprefix("token ")
    with Client(portal.url, token, transport=LosesTheFirstAnswer()) as client:
        await asyncio.to_thread(client.launch, "small")

    assert len((await portal.get("/executions")).json()["items"]) == 1


async def test_errors_are_exceptions_that_say_what_is_wrong(portal: Portal, client: Client) -> None:
    with pytest.raises(InvalidRequest, match="1 to 4") as invalid:
        await asyncio.to_thread(client.launch, "small", workers=9)
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


async def test_a_part_that_is_away_says_when_to_try_again(portal: Portal, client: Client) -> None:
    portal.application.settings["hub_auth"].api_url = "http://127.0.0.1:1/hub/api"
    portal.application.settings["hub_auth"].cache.clear()

    with pytest.raises(Unavailable) as away:
        await asyncio.to_thread(client.info)

    assert away.value.retry_after == 5


@pytest.mark.usefixtures("master")
@pytest.mark.parametrize(("life", "connections"), [(sse.MAX_STREAM, 1), (0.3, 3)])
async def test_a_log_is_followed_to_its_end(
    portal: Portal,
    client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    life: float,
    connections: int,
) -> None:
    monkeypatch.setattr(sse, "MAX_STREAM", life)  # seconds until the portal breaks off
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
            seen.append(piece)  # each connection begins with an empty one
            if "begun" in "".join(seen) and seen.count("") >= connections:
                flag.touch()
            yield piece

    async with asyncio.timeout(60):
        assert await asyncio.to_thread(lambda: "".join(read())) == "begun ✓\ndone\n"
        whole = await asyncio.to_thread(lambda: "".join(client.logs(number, "main-0")))
    assert whole == "begun ✓\ndone\n"


async def test_a_log_of_nothing_is_an_error_also_when_it_is_followed(client: Client) -> None:
    with pytest.raises(NotFound):
        await asyncio.to_thread(lambda: list(client.logs(99, "main-0", follow=True)))
