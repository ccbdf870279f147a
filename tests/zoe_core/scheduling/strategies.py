"""Generated clusters: few nodes, few services, amounts that often just fit or just don't."""

from dataclasses import astuple, replace
from typing import Any

from hypothesis import strategies as st

from tests.support.builders import GB, START, amount, execution, instance, service, snapshot
from zoe_core.amount import Amount
from zoe_core.cluster import (
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceView,
    Node,
    Observed,
    PastUse,
    Quota,
    Quotas,
    Snapshot,
)
from zoe_core.scheduling import SchedulingSettings, Spread
from zoe_core.scheduling.nodes.room import Room
from zoe_core.scheduling.placement import BestFit, Pack
from zoe_core.scheduling.policies import Fair, Fifo, Hrrn, Size

shapes = st.sampled_from(
    [*((memory, cores) for memory in (1, 2, 4) for cores in (0.5, 1, 2)), (6, 0.5), (1, 5)]
)
"""GB and cores of an instance; the last two want opposite things of their nodes."""

images = st.sampled_from(["test", "test", "test", "other"])


labels = st.sampled_from([(), (), (), ("fast",)])
users = st.sampled_from(["alice", "bob"])
groups = st.sampled_from([(), ("lab",), ("lab", "course"), ("course",)])


def nodes(*, ready: bool = False) -> st.SearchStrategy[list[Node]]:
    """Up to four nodes; ``ready``: all of them online and none draining."""
    states = [{}, {}, {"online": False}, {"draining": 1}, {"pressured": True}]
    parts = st.fixed_dictionaries(
        {
            "memory": st.integers(0, 8),
            "cores": st.integers(0, 8),
            "gpus": st.sampled_from([0, 0, 1, 2]),
            "images": st.sampled_from([None, None, {"test"}, {"test", "other"}]).map(frozen),
            "local_images": st.sampled_from([(), {"test"}]).map(frozenset),
            "labels": st.sampled_from([{"fast"}, ()]).map(frozenset),
            "state": st.just({}) if ready else st.sampled_from(states),
        }
    )
    return st.lists(parts, max_size=4).map(
        lambda them: [machine(f"node-{number}", **each) for number, each in enumerate(them)]
    )


def frozen(images: set[str] | None) -> frozenset[str] | None:
    """As a node has them."""
    return None if images is None else frozenset(images)


def machine(name: str, memory: int, cores: int, gpus: int, state: dict, **fields: Any) -> Node:
    """A node with GPUs."""
    capacity = amount(memory, cores) + Amount(gpus=gpus)
    devices = tuple(f"{name}/gpu{number}" for number in range(gpus))
    return Node(name, capacity, devices=devices, **fields, **state)


@st.composite
def services(draw: st.DrawFn) -> list[dict]:
    """One or two services, the first a monitor."""
    return [
        one_service(draw, name) for name in draw(st.sampled_from([("main",), ("main", "worker")]))
    ]


def one_service(draw: st.DrawFn, name: str) -> dict:
    """A service of any shape."""
    memory, cores = draw(shapes)
    return service(
        name,
        gpus=draw(st.sampled_from([0, 0, 0, 1])),
        labels=draw(labels),
        monitor=name == "main",
        essential=draw(st.integers(int(name == "main"), 3)),
        elastic=draw(st.integers(1, 3)),
        memory=memory,
        cores=cores,
        image=draw(images),
        startup_order=draw(st.integers(0, 1)),
        restart=draw(st.sampled_from(["never", "on-failure"])),
        shrink={"allowed": draw(st.sampled_from([True, True, False]))},
        min_hold=draw(st.sampled_from([0, 0, 60])),
    )


@st.composite
def executions(draw: st.DrawFn, number: int) -> ExecutionView:
    """An execution in any state that is live."""
    status = draw(st.sampled_from(["queued", "queued", "queued", "starting", "running"]))
    return execution(
        number,
        *draw(services()),
        status=status,
        user=draw(users),
        groups=draw(groups),
        limit=draw(st.sampled_from([None, 100, 1000])),
        priority=draw(st.sampled_from(["normal", "normal", "high", "low"])),
        expected_seconds=draw(st.sampled_from([None, None, 50, 500])),
        overtaken=draw(st.sampled_from([0, 0, 1, 2])),
        on_hold=draw(st.sampled_from([False, False, False, True])),
        starting_since=None if status == "queued" else START,
        started_at=START if status == "running" else None,
    )


@st.composite
def instances_of(
    draw: st.DrawFn, view: ExecutionView, devices: dict[str, list[str]]
) -> list[InstanceView]:
    """Some first attempts of its instances, on any node, also one that is gone.

    ``devices`` are those that are left of each node.
    """
    waiting = view.status is ExecutionStatus.QUEUED
    desired = st.just(Desired.ABSENT) if waiting else st.sampled_from(Desired)
    codes = st.sampled_from([0, 1])
    return [
        on_node(
            draw(st.sampled_from([*devices, "gone"])),
            devices,
            each.resources.gpus,
            view.id,
            each.dns_label,
            index,
            memory=each.resources.memory.min / GB,
            cores=each.resources.cores.min,
            essential=index < each.essential_count,
            desired=draw(desired),
            observed=draw(st.sampled_from(Observed)),
            exit_code=draw(codes),
        )
        for each in view.zapp.services
        for index in range(each.total_count)
        if draw(st.booleans())
    ]


def on_node(
    node: str, devices: dict[str, list[str]], gpus: int, *args: Any, **fields: Any
) -> InstanceView:
    """An instance on a node, or on one that is gone when that has too few GPUs left."""
    free = devices.get(node, [])
    if gpus > len(free):
        node, free = "gone", [f"gpu{number}" for number in range(gpus)]
    mine = tuple(free.pop(0) for _ in range(gpus))
    bare = instance(*args, node=node, devices=mine, **fields)
    return replace(bare, reservation=bare.reservation + Amount(gpus=gpus))


def failing(machine: Node) -> st.SearchStrategy[Node]:
    """The node; or, if it has GPUs, without the first one, whoever had it."""
    if not machine.devices:
        return st.just(machine)
    left = machine.devices[1:]
    without = replace(machine, devices=left, capacity=replace(machine.capacity, gpus=len(left)))
    return st.sampled_from([machine, machine, without])


@st.composite
def quotas(draw: st.DrawFn) -> Quotas:
    """None as a rule; or some limits for all, for a user and for a group."""
    limits = st.builds(
        Quota,
        executions=st.sampled_from([None, 1, 2]),
        memory=st.sampled_from([None, 4 * GB, 8 * GB]),
        millicores=st.sampled_from([None, 4000]),
        gpus=st.sampled_from([None, 1]),
        runtime_limit=st.sampled_from([None, 200]),
        weight=st.sampled_from([1.0, 2.0]),
    )
    if draw(st.booleans()):
        return Quotas()
    named = (
        st.dictionaries(st.just("alice"), limits),
        st.dictionaries(st.sampled_from(["lab", "course"]), limits),
    )
    return Quotas(*map(draw, named), default=draw(limits))


@st.composite
def pasts(draw: st.DrawFn) -> PastUse:
    """What some have used."""
    use = st.tuples(*[st.sampled_from([0.0, 1e9])] * 3)
    return PastUse(START, draw(st.dictionaries(users, use)))


def site_settings() -> st.SearchStrategy[SchedulingSettings]:
    """Every policy with every placement, and few that may overtake."""
    return st.builds(
        SchedulingSettings,
        policy=st.sampled_from([Fifo(), Size(), Hrrn(), Fair()]),
        placement=st.sampled_from([Spread(), Pack(), BestFit()]),
        max_overtake=st.sampled_from([0, 2, 100]),
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """A cluster with up to six executions."""
    machines = draw(nodes())
    live = [draw(executions(number)) for number in range(1, draw(st.integers(1, 6)) + 1)]
    devices = {each.name: list(each.devices) for each in machines}
    there = [each for view in live for each in draw(instances_of(view, devices))]
    parts = snapshot([draw(failing(each)) for each in machines], live, there)
    return replace(parts, quotas=draw(quotas()), past=draw(pasts()))


def free_in(picture: Snapshot) -> dict[str, Amount]:
    """What is free on each node; less than nothing where it shrank."""
    room = room_in(picture)
    return {name: room.free(name) for name in picture.nodes}


def room_in(picture: Snapshot) -> Room:
    """What is left beside all that holds its reservation."""
    return Room.beside(
        picture, (each for each in picture.all_instances() if each.holds_reservation)
    )


def has_room(free: Amount, held: Amount) -> bool:
    """Whether a node with so much free may hold that: of what it asks nothing is overdrawn."""
    pairs = zip(astuple(free), astuple(held), strict=True)
    return all(left >= 0 for left, asked in pairs if asked)
