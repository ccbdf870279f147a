"""The fake engine in a process of its own: away, back again, and closed to others."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engines import ServedEngine
from tests.support.waiting import eventually
from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Fatal, InstanceSpec, Observation, Retry
from zoe_master.backends.fake import FakeBackend, Script

WORKER = InstanceId(1, "worker", 0)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[ServedEngine]:
    engine = ServedEngine(tmp_path / "engine")
    engine.start()
    yield engine
    engine.kill()


@pytest.fixture
def backend(engine: ServedEngine) -> Iterator[FakeBackend]:
    backend = FakeBackend(deployment="d", directory="/nowhere", engine_address=engine.address)
    backend.open()
    yield backend
    backend.close()


def spec(*command: str) -> InstanceSpec:
    return InstanceSpec(
        id=WORKER,
        node="node-0",
        image="any",
        command=command,
        environment={"TOKEN": "secret"},
        reservation=Amount.of(1000, 0.5),
        workspace="/workspaces/alice",
        user="alice",
    )


def test_an_engine_that_is_away_is_a_passing_fault(
    engine: ServedEngine, backend: FakeBackend
) -> None:
    engine.kill()
    for call in (backend.nodes, backend.observations, lambda: backend.start(spec("serve"))):
        with pytest.raises(Retry, match=f"The fake engine at {engine.address} does not answer"):
            call()
    engine.start()
    backend.start(spec("serve"))
    assert [each.observed for each in backend.observations()] == [Observed.RUNNING]


def test_a_watch_goes_on_when_the_engine_is_back(
    engine: ServedEngine, backend: FakeBackend
) -> None:
    heard: list[Observation] = []
    backend.watch(heard.append)
    engine.kill()
    engine.start()

    def hears() -> list[Observation]:
        """It is back at some moment; what happens before that is missed."""
        backend.start(spec("true"))
        eventually(lambda: backend.observations()[0].observed is Observed.EXITED)
        backend.remove(WORKER)
        return heard

    assert eventually(hears)[-1].id == WORKER


def test_errors_come_as_they_are(engine: ServedEngine, backend: FakeBackend) -> None:
    errors = (Retry("no address left"), Fatal("no such image"))
    engine.remote.script("worker", Script(start_errors=errors))
    for error in errors:
        with pytest.raises(type(error), match=str(error)):
            backend.start(spec("serve"))
    with pytest.raises(KeyError):
        engine.remote.lose(WORKER)
    backend.start(spec("serve"))
    engine.remote.lose(WORKER)
    assert [each.observed for each in backend.observations()] == [Observed.LOST]


def test_a_node_may_lack_memory(engine: ServedEngine, backend: FakeBackend) -> None:
    engine.remote.press_node("node-1")
    assert [node.pressured for node in backend.nodes()] == [False, True, False]
    engine.remote.relieve_node("node-1")
    assert not any(node.pressured for node in backend.nodes())


def test_only_the_owner_may_open_it(engine: ServedEngine) -> None:
    mode = Path(engine.address).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
