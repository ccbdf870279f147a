"""Executions over two engines: one network if they are a swarm, else they are told why not."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.sites import DEPLOYMENT
from tests.integration.docker.conftest import NODES, PairSite
from tests.support.docker_engine import OwnEngine, engines_on_machines
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Fatal, Retry
from zoe_master.backends.docker.identity import label_filters

SERVE = "while :; do hostname | nc -l -p 7000; done"


@pytest.fixture(scope="module")
def apart() -> Iterator[list[OwnEngine]]:
    """Two engines that are no swarm yet."""
    with engines_on_machines(*NODES, options=lambda _: ()) as engines:
        yield engines


@pytest.fixture
def swarm(apart: list[OwnEngine]) -> list[OwnEngine]:
    """The same as managers of one swarm."""
    first, second = (str(each.settings()["address"]) for each in apart)
    clients = [each.client for each in apart]
    clients[0].swarm.init(advertise_addr=first)
    clients[0].swarm.reload()
    token = clients[0].swarm.attrs["JoinTokens"]["Manager"]
    clients[1].swarm.join([first], token, advertise_addr=second)
    eventually(lambda: len(clients[1].nodes.list(filters={"role": "manager"})) == 2)
    return apart


def networks(engine: OwnEngine) -> list[str]:
    return [each.name for each in engine.client.networks.list(filters=label_filters(DEPLOYMENT))]


def test_engines_that_are_no_swarm_are_told_of(
    apart: list[OwnEngine], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        site = PairSite(tmp_path, apart, driver="overlay")
    try:
        assert "docker swarm init --advertise-addr" in caplog.text
        assert "network_driver = 'bridge'" in caplog.text
        with pytest.raises(Fatal, match="no network in common: their administrator has to join"):
            site.start("true", node="node1")
        assert networks(apart[0]) == []
    finally:
        site.close()


def test_instances_on_several_engines_are_in_one_network(
    swarm: list[OwnEngine], tmp_path: Path
) -> None:
    site = PairSite(tmp_path, swarm, driver="overlay")
    try:
        on_each_node(site)
        site.backend.stop(InstanceId(1, "worker", 0), grace=0)
        site.await_exit(InstanceId(1, "worker", 0))
        eventually(lambda: released(site))
        eventually(lambda: not any(networks(each) for each in swarm))
    finally:
        site.close()


def on_each_node(site: PairSite) -> None:
    """They reach each other by name, both ways, and are reached from here; others are not there."""
    server = site.start("sh", "-c", SERVE, node="node1", ports=(7000,))
    name = site.backend.dns_name(1, "worker", 0)
    ask = f"for i in $(seq 100); do nc {name} 7000 </dev/null && exit; sleep 0.1; done; exit 1"
    seen, log = site.run("sh", "-c", ask, node="node2", id=InstanceId(1, "client", 0))
    assert (seen.exit_code, log.splitlines()[-1]) == (0, name.encode())

    def answer() -> bytes:
        try:
            with socket.create_connection(site.backend.address(server, 7000), 5) as connection:
                return connection.recv(100).strip()
        except (OSError, Retry):
            return b""

    assert eventually(answer) == name.encode()
    apart, _ = site.run("nc", "-w", "1", name, "7000", node="node2", id=InstanceId(2, "client", 0))
    assert apart.exit_code != 0


def released(site: PairSite) -> bool:
    """A swarm takes its time to see that a network is not used any more."""
    try:
        site.backend.release(1)
        site.backend.release(2)
    except Retry:
        return False
    return True
