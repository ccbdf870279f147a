"""Kept logs: whole ones, whatever was copied before."""

from pathlib import Path

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import InstanceSpec
from zoe_master.backends.fake import FakeBackend, FakeEngine, ManualClock
from zoe_master.engine.logs import LogKeeper

SPEC = InstanceSpec(
    id=InstanceId(1, "main", 0),
    node="node-0",
    image="test",
    command=None,
    environment={},
    reservation=Amount(),
    workspace="/w",
    user="alice",
)


def test_a_copy_that_was_made_too_early_is_replaced_and_a_whole_one_stays(tmp_path: Path) -> None:
    engine = FakeEngine(ManualClock())
    backend = FakeBackend(deployment="test", directory=str(tmp_path), engine=engine)
    logs = LogKeeper(backend, tmp_path / "logs", limit=15)
    engine.start(SPEC)
    engine.say(SPEC.id, b"first")
    logs.keep(SPEC.id)
    engine.say(SPEC.id, b" and last words")
    logs.keep(SPEC.id)
    assert logs.read(SPEC.id, 0, 100) == b"first and last "
    engine.exit(SPEC.id)
    engine.remove(SPEC.id)
    logs.keep(SPEC.id)
    assert logs.read(SPEC.id, 0, 100) == b"first and last "
