"""What the full list leads to, and in which order."""

import logging
from pathlib import Path
from signal import SIGTERM, Signals

import pytest

from tests.support.builders import execution, instance, node, service, snapshot
from zoe_core.cluster import ExecutionStatus, InstanceId, Observed, Snapshot
from zoe_master.backends.base import InstanceSpec, Observation, Retry
from zoe_master.backends.fake import FakeBackend, FakeEngine, ManualClock
from zoe_master.engine import observer
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.observer import Observer, Unsettled


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
        self.left: set[int] = set()
        self.asked: list[int] = []
        self.released: list[int] = []
        self.online_meanwhile: set[str] = set()

    def stop(self, instance: InstanceId, grace: float, signal: Signals = SIGTERM) -> None:
        self.online_meanwhile = online(self.inbox)
        if self.fails:
            raise Retry("the engine does not answer")
        self.stopped.append(instance)

    def remains(self) -> set[int]:
        return self.left

    def address(self, instance: InstanceId, port: int) -> tuple[str, int]:
        self.asked.append(port)
        if self.fails:
            raise Retry("the engine does not answer")
        return super().address(instance, port)

    def release(self, execution_id: int) -> None:
        if self.fails:
            raise Retry("the engine does not answer")
        self.released.append(execution_id)


def online(inbox: Inbox) -> set[str]:
    return {each.name for each in inbox.take().nodes or () if each.online}


def relist(backend: Watched, picture: Snapshot) -> None:
    observing(backend, picture).relist()


def observing(backend: Watched, picture: Snapshot) -> Observer:
    return Observer(
        backend=backend,
        inbox=backend.inbox,
        logs=None,
        office=Post(),
        snapshot=lambda: picture,
        log=logging.getLogger("tests.observer"),
    )


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


@pytest.fixture
def left(backend: Watched, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """It has networks of live execution 1, of 7, which has ended, and of 8 and 9."""
    statuses = {7: ExecutionStatus.ERROR, 8: ExecutionStatus.QUEUED}
    monkeypatch.setattr(observer, "statuses_of", lambda _, ids: statuses)
    backend.left = {1, 7, 8, 9}
    return backend


async def test_what_ended_executions_left_is_released_and_nothing_else(left: Watched) -> None:
    relist(left, AWAY)
    assert left.released == [7]


async def test_what_is_left_of_ended_executions_is_not_settled(
    left: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is what was on nodes that are away, from before its loss is known."""
    known: list[Unsettled] = []
    observer = observing(left, AWAY)
    monkeypatch.setattr(left.inbox, "saw_list", lambda *_: known.append(observer.unsettled))
    observer.relist()
    first = observer.unsettled
    assert (first.executions, first.away) == ({7, 8, 9}, frozenset())
    left.left = {1}
    monkeypatch.setattr(left, "nodes", lambda: [node("node-0", online=False), node("node-1")])
    observer.relist()
    assert known[-1].away == {"node-0"}
    assert (observer.unsettled.executions, observer.unsettled.away) == (frozenset(), {"node-0"})
    assert observer.unsettled.listed_at > first.listed_at


async def test_it_is_released_once_its_instances_are_gone(left: Watched) -> None:
    late = instance(7)
    left.start(InstanceSpec(late.id, late.node, "test", None, {}, late.reservation, "/w", "alice"))
    relist(left, AWAY)
    assert left.released == []
    assert late.id in left.stopped


async def test_what_cannot_be_released_holds_up_no_list(left: Watched) -> None:
    left.fails = True
    relist(left, AWAY)
    assert left.released == []


async def test_what_runs_is_asked_for_its_addresses_until_they_are_known_and_never_again(
    backend: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = [{"name": f"p{number}", "port_number": number} for number in (80, 81)]
    there = [Observation(instance(1).id, Observed.RUNNING, "node-0")]
    monkeypatch.setattr(backend, "observations", lambda: there)
    running = execution(1, service(ports=ports), status="running")
    watching = observing(backend, snapshot([node("node-0")], running, instance(1)))

    def asked() -> tuple[list[int], set[int]]:
        backend.asked.clear()
        watching.relist()
        (seen,) = backend.inbox.take().sightings
        return backend.asked.copy(), {port for port, _, _ in seen.addresses}

    backend.fails = True
    assert asked() == ([80], set())
    backend.fails = False
    assert asked() == ([80, 81], {80, 81})
    assert asked() == ([], {80, 81})
    there.clear()
    watching.relist()
    backend.inbox.take()
    there.append(Observation(instance(1).id, Observed.RUNNING, "node-0"))
    assert asked() == ([80, 81], {80, 81})
