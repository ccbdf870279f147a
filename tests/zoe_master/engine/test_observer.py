"""What the full list leads to, and in which order."""

import logging
from pathlib import Path
from signal import SIGTERM, Signals

import pytest

from tests.support.builders import execution, instance, snapshot
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import InstanceSpec
from zoe_master.backends.fake import FakeBackend, FakeEngine, ManualClock
from zoe_master.engine import observer
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.observer import Observer


class Post:
    """The office, as far as the observer sees it."""

    def require(self) -> None:
        pass


async def test_what_was_lost_with_a_node_is_ended_before_anything_new_comes_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox()
    stopped: list[InstanceId] = []

    class Watched(FakeBackend):
        def stop(self, instance: InstanceId, grace: float, signal: Signals = SIGTERM) -> None:
            assert inbox.take().nodes is None, "nobody knows yet that the node is back"
            stopped.append(instance)

    backend = Watched(deployment="test", directory=str(tmp_path), engine=FakeEngine(ManualClock()))
    lost = instance(1, observed=Observed.LOST)
    backend.start(
        InstanceSpec(lost.id, lost.node, "test", None, {}, lost.reservation, "/w", "alice")
    )
    monkeypatch.setattr(observer, "write_strangers", lambda *_: [])
    picture = snapshot((), execution(1, status="running"), lost)
    Observer(
        backend=backend,
        inbox=inbox,
        logs=None,
        office=Post(),
        snapshot=lambda: picture,
        log=logging.getLogger("tests.observer"),
    ).relist()
    assert stopped == [lost.id]
    assert {each.name for each in inbox.take().nodes} == {"node-0", "node-1", "node-2"}
