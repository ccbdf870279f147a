"""What a Jupyter server asks of the portal for itself: only what a page was shown, and for ever."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import pytest

from tests.support.waiting import eventually_async
from zoe_client.jupyter import follower as module
from zoe_client.jupyter.follower import Follower
from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol.rest import Execution

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = 3600


def server(because: str, **known: Any) -> Execution:
    return Execution.model_validate(
        {
            "id": 7,
            "name": "lab",
            "zapp": "jupyter",
            "user": "alice",
            "status": ExecutionStatus.RUNNING,
            "submitted_at": NOW,
            "started_at": NOW,
            "url": "/executions/7",
            "ends_at": NOW,
            "ends_because": because,
        }
        | known
    )


class Portal:
    """Notes what is sent to it; the first ``broken`` questions fail as nobody expects."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.shown: list[Execution] = []
        self.broken = 0

    def __call__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Nothing is open."""

    @property
    def connection(self) -> Self:
        return self

    async def send(self, method: str, path: str, json: Any = None) -> None:
        self._break()
        self.sent.append((method, path, json))

    async def get(self, execution_id: int) -> Self:
        self._break()
        return self

    async def watch(self) -> AsyncIterator[Execution]:
        for each in self.shown:
            yield each

    def _break(self) -> None:
        self.broken -= 1
        if self.broken >= 0:
            raise KeyError("status")


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Portal:
    portal = Portal()
    monkeypatch.setattr(module, "AsyncClient", portal)
    monkeypatch.setattr(module, "TRY_AGAIN", 0.01)
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    return portal


KEEP = ("POST", "/executions/7/keep", None)


async def told(
    portal: Portal, last_activity: Callable[[], datetime], *shown: Execution
) -> Follower:
    """A follower that has been told all that."""
    portal.shown = list(shown)
    follower = Follower(7, last_activity)
    heard: list[dict[str, Any]] = []
    follower.join(heard.append)
    await eventually_async(lambda: len(heard) == len(shown))
    return follower


async def test_who_keeps_it_for_idleness_never_gets_more_time(portal: Portal) -> None:
    """Whatever would end it by now."""
    limited = server("runtime_limit", runtime_limit=HOUR)
    follower = await told(portal, lambda: NOW, server("idle"), limited)
    await follower.stay()
    await follower.stay()
    assert portal.sent == [KEEP, KEEP]


async def test_more_time_is_what_was_offered_and_only_once(portal: Portal) -> None:
    follower = await told(portal, lambda: NOW, server("runtime_limit", runtime_limit=HOUR))
    await follower.stay(2 * HOUR)
    assert portal.sent == [("PATCH", "/executions/7", {"runtime_limit": 2 * HOUR})]
    follower = await told(portal, lambda: NOW, server("runtime_limit", runtime_limit=3 * HOUR))
    await follower.stay(2 * HOUR)
    assert len(portal.sent) == 1


async def test_it_goes_on_after_what_nobody_expects(portal: Portal) -> None:
    portal.broken = 2
    await told(portal, lambda: datetime.now(UTC), server("idle"))
    await eventually_async(lambda: KEEP in portal.sent)
    portal.broken = 2
    portal.sent.clear()
    await eventually_async(lambda: KEEP in portal.sent)
