"""The fake engine: scripted faults, by a clock that the test moves."""

from collections.abc import Iterator
from signal import SIGPWR

import pytest

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Fatal, InstanceSpec, Observation, Retry
from zoe_master.backends.fake import FakeBackend, FakeEngine, ManualClock, Script

WORKER = InstanceId(1, "worker", 0)


class World:
    """A fake back-end, its engine, its clock, and what a watcher heard."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.engine = FakeEngine(self.clock)
        self.backend = FakeBackend(
            deployment="d", directory="/nowhere", engine=self.engine, node_count=2
        )
        self.heard: list[Observation] = []
        self.backend.watch(self.heard.append)

    def start(
        self,
        *command: str,
        instance: InstanceId = WORKER,
        node: str = "node-0",
        devices: tuple[str, ...] = (),
    ) -> None:
        self.backend.start(
            InstanceSpec(
                id=instance,
                node=node,
                image="any",
                command=command or None,
                environment={},
                reservation=Amount.of(1000, 0.5),
                workspace="/workspaces/alice",
                user="alice",
                devices=devices,
            )
        )

    def state(self, instance: InstanceId = WORKER) -> tuple[Observed, int | None]:
        found = {each.id: each for each in self.backend.observations()}[instance]
        return found.observed, found.exit_code


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.backend.close()


def test_time_stands_still_until_it_is_moved(world: World) -> None:
    world.start("sh", "-c", "echo one; sleep 5; echo two; exit 3")
    assert world.backend.read_log(WORKER, 0, 100) == b"one\n"
    world.clock.advance(4.9)
    assert world.state() == (Observed.RUNNING, None)
    world.clock.advance(0.2)
    assert world.state() == (Observed.EXITED, 3)
    assert world.backend.read_log(WORKER, 0, 100) == b"one\ntwo\n"


@pytest.mark.parametrize(
    "command", [(), ("jupyterhub-singleuser", "--ip=x"), ("sleep", "infinity")]
)
def test_servers_run_until_they_are_stopped(world: World, command: tuple[str, ...]) -> None:
    world.start(*command)
    world.clock.advance(1e6)
    assert world.state() == (Observed.RUNNING, None)
    assert world.backend.usage(WORKER).cpu_seconds == pytest.approx(5e5)
    world.backend.stop(WORKER, grace=10)
    assert world.state() == (Observed.EXITED, -15)


def test_a_start_may_fail_some_times(world: World) -> None:
    errors = (Retry("no address left"), Retry("busy"), Fatal("no such image"))
    world.engine.script("worker", Script(start_errors=errors))
    for error in errors:
        with pytest.raises(type(error), match=str(error)):
            world.start("true")
        assert list(world.backend.observations()) == []
    world.start("sleep", "infinity")
    assert world.state() == (Observed.RUNNING, None)


def test_a_start_may_take_long(world: World) -> None:
    world.engine.script("worker", Script(start_delay=3))
    world.start("sleep", "5")
    assert world.state() == (Observed.CREATING, None)
    world.clock.advance(3)
    assert world.state() == (Observed.RUNNING, None)
    world.clock.advance(5)
    assert world.state() == (Observed.EXITED, 0)


def test_what_is_stopped_while_it_is_made_never_runs(world: World) -> None:
    world.engine.script("worker", Script(start_delay=3))
    world.start("sleep", "5")
    world.backend.stop(WORKER, grace=10)
    world.clock.advance(100)
    states = [each.observed for each in world.heard]
    assert states == [Observed.CREATING, Observed.EXITED]


def test_an_end_by_script_goes_before_that_by_command(world: World) -> None:
    world.engine.script("worker", Script(log=b"oh no\n", exit_after=2, exit_code=137))
    world.start("sleep", "infinity")
    world.clock.advance(2)
    assert world.state() == (Observed.EXITED, 137)
    assert world.backend.read_log(WORKER, 0, 100) == b"oh no\n"


def test_an_instance_may_be_lost(world: World) -> None:
    world.engine.script("*", Script(lose_after=1))
    world.start("sleep", "infinity")
    world.clock.advance(1)
    assert world.state() == (Observed.LOST, None)


def test_a_test_may_intervene(world: World) -> None:
    other = InstanceId(2, "worker", 0)
    world.start("serve")
    world.start("serve", instance=other)
    world.engine.say(WORKER, b"goodbye\n")
    world.engine.exit(WORKER, 9, "out of memory")
    world.engine.lose(other)
    assert world.state() == (Observed.EXITED, 9)
    assert world.state(other) == (Observed.LOST, None)
    assert world.heard[-2].detail == "out of memory"


def test_a_node_may_fail_and_come_back(world: World) -> None:
    other = InstanceId(1, "worker", 1)
    world.start("serve", node="node-0")
    world.start("serve", node="node-1", instance=other)
    world.engine.fail_node("node-1")
    assert world.state() == (Observed.RUNNING, None)
    assert world.state(other) == (Observed.LOST, None)
    assert [node.online for node in world.backend.nodes()] == [True, False]
    with pytest.raises(Retry, match="node-1 does not answer"):
        world.start("serve", node="node-1", instance=InstanceId(3, "worker", 0))
    world.engine.restore_node("node-1")
    assert all(node.online for node in world.backend.nodes())


def test_a_node_may_lack_memory_for_a_while(world: World) -> None:
    world.engine.press_node("node-1")
    assert [node.pressured for node in world.backend.nodes()] == [False, True]
    world.engine.relieve_node("node-1")
    assert not any(node.pressured for node in world.backend.nodes())


def test_nodes_are_made_to_measure() -> None:
    backend = FakeBackend(
        deployment="d",
        directory="/nowhere",
        engine=FakeEngine(ManualClock()),
        node_count=2,
        node_gpus=2,
        local_images={"node-1": ["zoe/spark"]},
    )
    first, second = backend.nodes()
    assert (first.capacity.gpus, first.devices) == (2, ("0", "1"))
    assert (first.local_images, second.local_images) == (set(), {"zoe/spark"})


def test_the_devices_of_an_instance_are_known(world: World) -> None:
    world.start("serve", devices=("1",))
    assert world.engine.find(WORKER).spec.devices == ("1",)


@pytest.mark.parametrize(("grace", "later"), [(10, 20), (20, 10)])
def test_the_earliest_end_counts(world: World, grace: float, later: float) -> None:
    world.start("sh", "-c", "trap '' TERM PWR; sleep infinity")
    world.backend.stop(WORKER, grace, SIGPWR)
    world.backend.stop(WORKER, later)
    world.clock.advance(9)
    assert world.state() == (Observed.RUNNING, None)
    world.clock.advance(1)
    assert world.state() == (Observed.EXITED, -9)


def test_the_grace_is_given_by_the_clock(world: World) -> None:
    world.start("sh", "-c", "trap '' TERM; sleep infinity")
    world.backend.stop(WORKER, grace=10)
    world.clock.advance(9)
    assert world.state() == (Observed.RUNNING, None)
    world.clock.advance(1)
    assert world.state() == (Observed.EXITED, -9)


def test_there_is_no_node_of_another_name(world: World) -> None:
    with pytest.raises(Fatal, match="no node 'node-7'"):
        world.start("true", node="node-7")


def test_instances_outlive_their_back_end(world: World) -> None:
    world.start("serve")
    world.backend.close()
    heard = len(world.heard)
    world.backend = FakeBackend(deployment="d", directory="/nowhere", engine=world.engine)
    assert world.state() == (Observed.RUNNING, None)
    world.backend.stop(WORKER, grace=0)
    assert len(world.heard) == heard  # the closed back-end's watcher hears no more
