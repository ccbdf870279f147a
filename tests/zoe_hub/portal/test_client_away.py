"""The client while the portal is away: what is asked again, for how long, and what is not."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import httpx
import pytest

from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_quotas import ADMIN
from zoe_client import AsyncClient, Client, NoConnection, NotFound, Unavailable
from zoe_client._connection import DOUBT, PATIENCE


@dataclass
class Clock:
    """The client's own time: nobody waits, and all pauses are known."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def current_time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    anyio = SimpleNamespace(sleep=clock.sleep, current_time=clock.current_time)
    monkeypatch.setattr("zoe_client._connection.anyio", anyio)
    return clock


class Restarts(httpx.AsyncHTTPTransport):
    """What stands before the portal says ``instead`` while ``away`` says so."""

    def __init__(self, away: Callable[[], bool], instead: httpx.Response | None) -> None:
        super().__init__()
        self._away, self._instead = away, instead
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if not self._away():
            return await super().handle_async_request(request)
        if self._instead is None:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(
            self._instead.status_code, headers=self._instead.headers, text=self._instead.text
        )


def token_of(portal: Portal, user: str = "alice") -> str:
    return portal.headers(user)["Authorization"].removeprefix("token ")


def of_proxy(status: int = 503, headers: dict[str, str] | None = None) -> httpx.Response:
    """As JupyterHub's proxy answers for a portal that is not there."""
    return httpx.Response(status, headers=headers, text="<html>Service unavailable</html>")


@pytest.mark.parametrize("instead", [None, of_proxy()])
async def test_a_portal_that_is_restarted_is_waited_for(
    portal: Portal, clock: Clock, instead: httpx.Response | None
) -> None:
    restarts = Restarts(lambda: 1 < clock.now < 25, instead)
    async with AsyncClient(portal.url, token_of(portal), transport=restarts) as client:
        await client.info()
        clock.now = 2.0
        assert (await client.info()).caller.name == "alice"
    assert 25 <= clock.now < 2 + PATIENCE


@pytest.mark.parametrize(
    ("instead", "longest"), [(None, DOUBT), (of_proxy(), PATIENCE), (of_proxy(404), 0.0)]
)
async def test_it_is_not_waited_for_longer_than_that_helps(
    portal: Portal, clock: Clock, instead: httpx.Response | None, longest: float
) -> None:
    restarts = Restarts(lambda: True, instead)
    async with AsyncClient(portal.url, token_of(portal), transport=restarts) as client:
        with pytest.raises(NoConnection):
            await client.info()
    assert longest - 1 <= clock.now <= longest + 1


@pytest.mark.parametrize(("asks", "first"), [("7", 7.0), ("0", 0.2), ("86400", PATIENCE)])
async def test_it_is_waited_as_long_as_the_answer_asks_for_within_bounds(
    portal: Portal, clock: Clock, asks: str, first: float
) -> None:
    restarts = Restarts(lambda: not clock.pauses, of_proxy(headers={"Retry-After": asks}))
    async with AsyncClient(portal.url, token_of(portal), transport=restarts) as client:
        await client.info()
    assert clock.pauses == [first]


async def test_a_part_that_is_away_says_when_to_try_again(portal: Portal, clock: Clock) -> None:
    portal.application.settings["hub_auth"].api_url = "http://127.0.0.1:1/hub/api"
    portal.application.settings["hub_auth"].cache.clear()

    async with AsyncClient(portal.url, token_of(portal)) as client:
        with pytest.raises(Unavailable) as away:
            await client.info()

    assert away.value.retry_after == 5
    assert set(clock.pauses) == {5.0}


async def test_what_is_followed_waits_for_a_portal_that_was_there(portal: Portal) -> None:
    launched = await portal.launch()
    away = [True, False, False]
    restarts = Restarts(lambda: restarts.asked > 1 and bool(away and away.pop()), None)
    async with AsyncClient(portal.url, token_of(portal), transport=restarts) as client:
        execution = await client.get(launched["id"])
        away.extend([True, True])
        assert (await anext(execution.watch())).id == launched["id"]
    assert restarts.asked >= 4


class LosesTheFirstAnswer(httpx.AsyncHTTPTransport):
    """To requests of a method: they are carried out, and nobody hears of it."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self._method = method
        self.lost = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if request.method == self._method and not self.lost:
            self.lost = True
            await answer.aread()
            await answer.aclose()
            raise httpx.ReadError("lost", request=request)
        return answer


async def test_a_launch_whose_answer_was_lost_is_not_made_twice(portal: Portal) -> None:
    transport = LosesTheFirstAnswer("POST")
    with Client(portal.url, token_of(portal), transport=transport) as client:
        await asyncio.to_thread(client.launch, "small")

    assert transport.lost
    assert len((await portal.get("/executions")).json()["items"]) == 1


async def test_a_removal_whose_answer_was_lost_is_done(portal: Portal) -> None:
    transport = LosesTheFirstAnswer("DELETE")
    token = portal.headers("olga", ADMIN)["Authorization"].removeprefix("token ")
    async with AsyncClient(portal.url, token, transport=transport) as client:
        await client.set_quota("user", "alice", {"cores": 1})
        await client.remove_quota("user", "alice")
        assert transport.lost
        assert await client.quotas() == ()
        with pytest.raises(NotFound):  # of what was never there
            await client.remove_quota("user", "alice")
