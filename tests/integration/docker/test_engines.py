"""Two engines on machines of their own, one of which is killed, comes back, or is taken out."""

import socket
from collections.abc import Iterator

import pytest

from tests.integration.docker.conftest import NODES, PairSite
from tests.support.docker_engine import OwnEngine
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Retry

# The SDK leaves a socket to the garbage collector when an engine does not answer.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

COUNT = "i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done"
SERVE = "while :; do hostname | nc -l -p 7000; done"


@pytest.fixture
def second(engines: list[OwnEngine]) -> Iterator[OwnEngine]:
    """The engine of node2, which a test may kill."""
    yield engines[1]
    engines[1].start()


def on_both(pair: PairSite, script: str, **fields: object) -> list[InstanceId]:
    """An instance of an execution of its own on each node."""
    return [
        pair.start("sh", "-c", script, execution=number, node=node, **fields)
        for number, node in enumerate(NODES, 1)
    ]


def answer(pair: PairSite, instance: InstanceId) -> bytes:
    try:
        with socket.create_connection(pair.backend.address(instance, 7000), 5) as connection:
            return connection.recv(100).strip()
    except (OSError, Retry):
        return b""


def is_online(pair: PairSite) -> dict[str, bool]:
    return {node.name: node.online for node in pair.backend.nodes()}


def numbers(pair: PairSite, instance: InstanceId) -> list[int]:
    whole, _, _ = pair.log(instance).rpartition(b"\n")
    return [int(line) for line in whole.split()]


def test_ports_are_reached_at_the_address_of_their_node(pair: PairSite) -> None:
    instances = on_both(pair, SERVE, ports=(7000,))
    for engine, instance in zip(pair.engines, instances, strict=True):
        assert (
            eventually(lambda each=instance: answer(pair, each))
            == f"worker-0-{instance.execution_id}".encode()
        )
        assert pair.backend.address(instance, 7000)[0] == engine.settings()["address"]


def test_an_engine_is_killed_and_comes_back_while_instances_run_on_both(
    pair: PairSite, second: OwnEngine
) -> None:
    steady, shaken = on_both(pair, COUNT)
    stubborn = pair.start("sh", "-c", f"trap '' TERM; {COUNT}", execution=3, node="node2")
    for each in (steady, shaken, stubborn):
        pair.await_log(each, b"3\n")
    second.kill()
    assert is_online(pair) == {"node1": True, "node2": False}
    assert {node.name: node.capacity.memory > 0 for node in pair.backend.nodes()}["node2"]
    with pytest.raises(Retry, match="node2 does not answer"):
        pair.backend.stop(stubborn, grace=0.5)
    pair.restart()  # a new master knows of the wish, and of what it cannot see
    assert {seen.id: seen.observed for seen in pair.backend.observations()} == dict.fromkeys(
        (steady, shaken, stubborn), Observed.RUNNING
    )
    second.start()
    eventually(lambda: all(is_online(pair).values()))
    assert pair.await_exit(stubborn).exit_code == -9
    last = numbers(pair, shaken)[-1]
    for each in (steady, shaken):
        eventually(lambda each=each: numbers(pair, each)[-1] > last + 5)
        assert numbers(pair, each) == list(range(len(numbers(pair, each)))), "whole, nothing twice"
    names = [each.name for each in second.client.containers.list()]
    assert names == [shaken.container_name(pair.backend.deployment)]


def test_instances_are_lost_when_the_grace_is_over_and_may_reappear(
    pair: PairSite, second: OwnEngine
) -> None:
    pair.restart_with(offline_grace=0.0)
    steady, shaken = on_both(pair, COUNT)
    second.kill()
    seen = pair.observe(shaken)
    assert seen.observed is Observed.LOST
    assert "node2 has not answered" in seen.detail
    assert pair.observe(steady).observed is Observed.RUNNING
    second.start()
    eventually(lambda: pair.observe(shaken).observed is Observed.RUNNING)


def test_what_was_released_meanwhile_is_listed_and_goes_when_the_engine_is_back(
    pair: PairSite, second: OwnEngine
) -> None:
    pair.restart_with(offline_grace=0.0)
    instance = pair.start("sh", "-c", COUNT, node="node2")
    second.kill()
    assert pair.observe(instance).observed is Observed.LOST
    pair.backend.remove(instance)
    pair.backend.release(instance.execution_id)
    assert pair.observe(instance) is None
    pair.restart()
    second.start()
    eventually(lambda: pair.observe(instance))
    pair.backend.stop(instance, grace=0)
    pair.await_exit(instance)
    kinds = sorted(each.kind for each in pair.backend.inventory())
    assert kinds == ["container", "network"]
    pair.backend.release(instance.execution_id)
    assert list(pair.backend.inventory()) == []


def test_an_engine_that_is_taken_out_of_the_settings_holds_up_nobody(pair: PairSite) -> None:
    _, orphan = on_both(pair, COUNT)
    both = [each.settings() for each in pair.engines]
    pair.restart_with(engines=both[:1])
    seen = pair.observe(orphan)
    assert seen.observed is Observed.LOST
    assert seen.detail == "The node node2 is not among the engines any more."
    pair.backend.stop(orphan, grace=0)
    pair.backend.remove(orphan)
    pair.backend.release(orphan.execution_id)
    assert pair.observe(orphan) is None
    pair.restart()
    eventually(lambda: pair.observe(orphan).observed is Observed.RUNNING)
