"""An engine that is reached by TCP, with TLS on both sides."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.sites import DockerSite
from tests.support.certificates import Authority
from tests.support.docker_engine import OwnEngine, engines_on_machines
from tests.support.machines import Machine
from tests.support.waiting import eventually
from zoe_master.backends.base import Retry

# The SDK leaves a socket to the garbage collector when an engine does not answer.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


PORT = 2376


class TlsSite(DockerSite):
    """A back-end that knows the engine by its TCP address alone."""

    def __init__(self, directory: Path, tls: dict[str, str], engine: OwnEngine) -> None:
        self.host = str(engine.settings()["address"])
        self.settings = {"name": "far", "url": f"tcp://{self.host}:{PORT}", "tls": tls}
        super().__init__(directory, engine)

    def make(self, deployment: str, **traits: object):
        return super().make(deployment, **({"engines": [self.settings]} | traits))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def site(tmp_path: Path, authority: Authority) -> Iterator[TlsSite]:
    def options(machine: Machine) -> list[str]:
        server = authority.certify("server", machine.address)
        return [
            "--host", f"tcp://{machine.address}:{PORT}", "--tlsverify",
            "--tlscacert", server["ca"], "--tlscert", server["cert"], "--tlskey", server["key"],
        ]  # fmt: skip

    with engines_on_machines("far", options=options) as [engine]:
        site = TlsSite(tmp_path, authority.certify("master"), engine)
        yield site
        site.close()


def test_only_who_has_a_certificate_gets_an_answer(
    site: TlsSite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script = "while :; do echo hello | nc -l -p 7000; done"
    instance = site.start("sh", "-c", script, ports=(7000,))

    def greeting() -> bytes:
        try:
            with socket.create_connection(site.backend.address(instance, 7000), 5) as connection:
                return connection.recv(100)
        except (OSError, Retry):
            return b""

    assert eventually(greeting) == b"hello\n"
    assert site.backend.address(instance, 7000)[0] == site.host
    site.backend.stop(instance, grace=0)
    assert site.await_exit(instance).exit_code == -9

    stranger = Authority(tmp_path / "stranger").certify("master")
    known = site.settings["tls"]
    for tls, why in (
        (stranger, "CERTIFICATE_VERIFY_FAILED"),  # we do not know the engine
        ({**stranger, "ca": known["ca"]}, "alert|EOF|reset|closed"),  # it does not know us
    ):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            site.restart_with(engines=[{**site.settings, "tls": tls}])
        (node,) = site.backend.nodes()
        assert not node.online
        (line,) = [
            each.getMessage() for each in caplog.records if "is offline" in each.getMessage()
        ]
        assert line.startswith(f"far is offline: tcp://{site.host}:{PORT}: ")
        assert any(word in line for word in why.split("|")), line
