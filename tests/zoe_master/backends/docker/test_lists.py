"""Full lists of engines on which something cannot be looked at."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.zoe_master.backends.docker.fake_client import DEPLOYMENT, FakeClient, FakeContainer
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Fatal, Retry
from zoe_master.backends.docker import DockerBackend
from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.records import Record

BROKEN, ENDED, ELSEWHERE = (InstanceId(1, "main", index) for index in range(3))
Open = Callable[[dict[str, FakeClient]], DockerBackend]


@pytest.fixture
def open_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens one of engines with these names and clients."""
    opened = []

    def cut_off(*_: object, **__: object) -> None:
        raise Fatal("The logs and events are not here.")

    def open_one(clients: dict[str, FakeClient]) -> DockerBackend:
        monkeypatch.setattr(Engine, "_connect", lambda engine, _: clients[engine.name])
        monkeypatch.setattr(Engine, "stream", cut_off)
        backend = DockerBackend(
            deployment=DEPLOYMENT,
            directory=str(tmp_path / "docker"),
            engines=[{"name": name, "url": f"unix://{tmp_path}/{name}"} for name in clients],
            network_driver="bridge",
        )
        opened.append(backend)
        backend.open()
        return backend

    yield open_one
    for backend in opened:
        backend.close()


def seen(backend: DockerBackend) -> dict[InstanceId, tuple[Observed, int | None]]:
    return {each.id: (each.observed, each.exit_code) for each in backend.observations()}


def test_an_end_that_cannot_be_looked_at_is_told_later_and_hides_nothing(
    open_backend: Open,
) -> None:
    broken = FakeContainer(BROKEN, "exited", broken=True, exit_code=3)
    here = FakeClient(broken, FakeContainer(ENDED, "exited", exit_code=4))
    backend = open_backend({"here": here, "there": FakeClient(FakeContainer(ELSEWHERE))})
    others = {ENDED: (Observed.EXITED, 4), ELSEWHERE: (Observed.RUNNING, None)}
    assert seen(backend) == {BROKEN: (Observed.RUNNING, None), **others}
    broken.broken = False
    assert seen(backend) == {BROKEN: (Observed.EXITED, 3), **others}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Retry("not yet")])
def test_what_runs_and_cannot_be_noted_is_there(
    error: Exception, open_backend: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Record.create

    def fail(record: Record, deployment: str, instance: InstanceId, engine: str) -> bool:
        if instance == BROKEN:
            raise error
        return create(record, deployment, instance, engine)

    monkeypatch.setattr(Record, "create", fail)
    backend = open_backend({"here": FakeClient(FakeContainer(BROKEN), FakeContainer(ELSEWHERE))})
    running = (Observed.RUNNING, None)
    assert seen(backend) == {BROKEN: running, ELSEWHERE: running}


def test_what_was_not_opened_whole_can_be_closed(tmp_path: Path) -> None:
    in_the_way = tmp_path / "docker"
    in_the_way.write_text("")
    backend = DockerBackend(
        deployment=DEPLOYMENT,
        directory=str(in_the_way),
        engines=[{"name": "here", "url": f"unix://{tmp_path}/none"}],
    )
    with pytest.raises(Fatal, match="cannot be used"):
        backend.open()
    backend.close()
