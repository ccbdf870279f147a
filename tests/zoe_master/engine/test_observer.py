"""What the full list leads to, and in which order."""

import logging
from pathlib import Path
from signal import SIGTERM, Signals

import pytest

from tests.support.builders import execution, instance, node, snapshot
from zoe_core.cluster import InstanceId, Observed, Snapshot
from zoe_master.backends.base import InstanceSpec, Retry
from zoe_master.backends.fake import FakeBackend, FakeEngine, ManualClock
from zoe_master.engine import observer
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.observer import Observer


class Post:
    """The office, as far as the observer sees it."""

    def require(self) -> None:
        pass


class Watched(FakeBackend):
    """Notes what is asked to end; ``fails``: it cannot be."""

    fails = False

    def __init__(self, tmp_path: Path, inbox: Inbox) -> None:
        super().__init__(
            deployment="test", directory=str(tmp_path), engine=FakeEngine(ManualClock())
        )
        self.inbox = inbox
        self.stopped: list[InstanceId] = []
        self.online_meanwhile: set[str] = set()

    def stop(self, instance: InstanceId, grace: float, signal: Signals = SIGTERM) -> None:
        self.online_meanwhile = online(self.inbox)
        if self.fails:
            raise Retry("the engine does not answer")
        self.stopped.append(instance)


def online(inbox: Inbox) -> set[str]:
    return {each.name for each in inbox.take().nodes or () if each.online}


def relist(backend: Watched, picture: Snapshot) -> None:
    Observer(
        backend=backend,
        inbox=backend.inbox,
        logs=None,
        office=Post(),
        snapshot=lambda: picture,
        log=logging.getLogger("tests.observer"),
    ).relist()


@pytest.fixture
async def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """It has nodes 0 to 2, and on node-0 an instance that the master believes lost."""
    monkeypatch.setattr(observer, "write_strangers", lambda *_: [])
    backend = Watched(tmp_path, Inbox())
    backend.start(
        InstanceSpec(LOST.id, LOST.node, "test", None, {}, LOST.reservation, "/w", "alice")
    )
    return backend


LOST = instance(1, observed=Observed.LOST)
AWAY = snapshot(
    [node("node-0", online=False), node("node-1"), node("node-2")],
    execution(1, status="running"),
    LOST,
)


async def test_what_was_lost_with_a_node_is_ended_before_anything_new_comes_there(
    backend: Watched,
) -> None:
    relist(backend, AWAY)
    assert backend.stopped == [LOST.id]
    assert backend.online_meanwhile == {"node-1", "node-2"}
    assert online(backend.inbox) == {"node-0", "node-1", "node-2"}


async def test_nothing_new_comes_where_it_could_not_be_ended(backend: Watched) -> None:
    """And the other nodes are known all the same."""
    backend.fails = True
    relist(backend, AWAY)
    assert online(backend.inbox) == {"node-1", "node-2"}


async def test_that_a_node_is_away_is_known_before_what_was_lost_with_it(
    backend: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was lost comes again at once, and not on that node."""
    known: list[set[str]] = []
    monkeypatch.setattr(backend.inbox, "saw_list", lambda *_: known.append(online(backend.inbox)))
    monkeypatch.setattr(
        backend, "nodes", lambda: [node("node-0", online=False), node("node-1"), node("node-2")]
    )
    here = [node(name) for name in ("node-0", "node-1", "node-2")]
    relist(backend, snapshot(here, execution(1, status="running"), instance(1)))
    assert known == [{"node-1", "node-2"}]
