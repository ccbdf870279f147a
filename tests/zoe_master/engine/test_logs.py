"""Kept logs: whole ones, whatever was copied before."""

from pathlib import Path

import pytest

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import InstanceSpec
from zoe_master.backends.fake import FakeBackend, FakeEngine, ManualClock
from zoe_master.engine.logs import OWN_WORDS, LogKeeper

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


LIMIT = 15


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine(ManualClock())
    engine.start(SPEC)
    return engine


@pytest.fixture
def logs(engine: FakeEngine, tmp_path: Path) -> LogKeeper:
    backend = FakeBackend(deployment="test", directory=str(tmp_path), engine=engine)
    return LogKeeper(backend, tmp_path / "logs", limit=LIMIT)


def test_a_copy_that_was_made_too_early_is_replaced_and_a_whole_one_stays(
    engine: FakeEngine, logs: LogKeeper
) -> None:
    engine.say(SPEC.id, b"first")
    logs.keep(SPEC.id)
    engine.say(SPEC.id, b" and last")
    logs.keep(SPEC.id)
    assert logs.read(SPEC.id, 0, 100) == b"first and last"
    engine.exit(SPEC.id)
    engine.remove(SPEC.id)
    logs.keep(SPEC.id)
    assert logs.read(SPEC.id, 0, 100) == b"first and last"


def test_what_the_back_end_says_last_of_a_full_log_is_kept(
    engine: FakeEngine, logs: LogKeeper
) -> None:
    said = b"x" * LIMIT + b"\n[zoe] The log has reached 15 bytes.\n"
    engine.say(SPEC.id, said)
    logs.keep(SPEC.id)
    assert logs.read(SPEC.id, 0, 100) == said


def test_a_log_that_is_cut_says_so(engine: FakeEngine, logs: LogKeeper) -> None:
    engine.say(SPEC.id, b"x" * (LIMIT + OWN_WORDS + 1))
    expected = b"x" * LIMIT + b"\n[zoe] Of this log 15 bytes are kept; what followed is not.\n"
    for _ in range(2):
        logs.keep(SPEC.id)
        assert logs.read(SPEC.id, 0, 1000) == expected
