"""A back-end whose only engine does not answer."""

from pathlib import Path

import pytest
from docker.errors import DockerException

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import InstanceSpec, Retry
from zoe_master.backends.docker import DockerBackend
from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.records import Records

DEPLOYMENT = "5a9c1f04-7f5e-4f4e-9d52-0c6a5a1f9b11"
ONE = InstanceId(1, "main", 0)


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the SDK says it; by itself it would leave sockets to the garbage collector."""

    def refuse(*_: object) -> None:
        raise DockerException("connection refused")

    monkeypatch.setattr(Engine, "_connect", refuse)


def test_it_runs_what_was_started_and_not_what_could_not_be(tmp_path: Path) -> None:
    """Else that would be missed, and taken for lost, when the engine is back."""
    backend = DockerBackend(
        deployment=DEPLOYMENT,
        directory=str(tmp_path / "docker"),
        engines=[{"name": "here", "url": f"unix://{tmp_path}/none"}],
        user_ids="1000:1000",
    )
    backend.open()
    workspace = str(tmp_path / "alice")
    spec = InstanceSpec(ONE, "here", "test", None, {}, Amount.of(2**26, 0.1), workspace, "alice")
    with pytest.raises(Retry, match="does not answer"):
        backend.start(spec)
    assert backend.observations() == []
    Records(tmp_path / "docker" / "instances", DEPLOYMENT).of(ONE).note_start()
    (seen,) = backend.observations()
    assert (seen.id, seen.observed) == (ONE, Observed.RUNNING)
    assert "No such file or directory" in backend.troubles()["here"]
    assert backend.inventory() == []
    backend.close()
