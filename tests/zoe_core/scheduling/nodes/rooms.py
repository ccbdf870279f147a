"""Generated rooms and needs: few nodes and small numbers, so that things often just fit."""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.support.builders import execution
from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId, InstanceView, Node, Observed, Snapshot
from zoe_core.scheduling.nodes.room import Need, Room, Spot
from zoe_core.scheduling.placement import BestFit, Pack, Placement, Spread

IMAGES = ("test", "other")
LABELS = ("ssd", "a100")

amounts = st.builds(Amount, st.integers(0, 6), st.integers(0, 6), st.integers(0, 2))
labels = st.frozensets(st.sampled_from(LABELS), max_size=1)
needs = st.builds(Need, amounts, st.sampled_from((*IMAGES, "unknown")), labels)
gangs = st.lists(st.tuples(needs, st.integers(0, 4)), max_size=3)
placements: st.SearchStrategy[Placement] = st.sampled_from([Spread(), Pack(), BestFit()])


@st.composite
def nodes(draw: st.DrawFn, name: str) -> Node:
    """A node in any state, with up to three GPUs."""
    gpus = draw(st.integers(0, 3))
    return Node(
        name,
        Amount(draw(st.integers(0, 12)), draw(st.integers(0, 12)), gpus),
        labels=draw(st.frozensets(st.sampled_from(LABELS))),
        online=draw(st.integers(0, 5)) > 0,
        draining=draw(st.integers(0, 5)) == 0,
        pressured=draw(st.integers(0, 3)) == 0,
        images=draw(st.sampled_from([None, None, frozenset({"test"}), frozenset(IMAGES)])),
        local_images=draw(st.frozensets(st.sampled_from(IMAGES))),
        devices=tuple(f"gpu-{9 - number}" for number in range(gpus)),
    )


@st.composite
def clusters(draw: st.DrawFn) -> Snapshot:
    """Up to five nodes, some with an instance, that may be larger than its node is now."""
    machines = [draw(nodes(f"node-{row}")) for row in range(draw(st.integers(0, 5)))]
    hosts = [node for node in machines if draw(st.booleans())]
    there = [draw(holders(row, node)) for row, node in enumerate(hosts)]
    return Snapshot.of(machines, [execution(1)], there)


@st.composite
def holders(draw: st.DrawFn, row: int, node: Node) -> InstanceView:
    """An instance on ``node``, with some of its GPUs."""
    gpus = draw(st.integers(0, len(node.devices)))
    return InstanceView(
        InstanceId(1, "main", row),
        node.name,
        Amount(draw(st.integers(0, 13)), draw(st.integers(0, 13)), gpus),
        essential=True,
        monitor=False,
        observed=draw(st.sampled_from([Observed.RUNNING, Observed.RUNNING, Observed.EXITED])),
        devices=tuple(draw(st.permutations(node.devices))[:gpus]),
    )


def room_of(cluster: Snapshot) -> Room:
    """The room beside all that holds its reservation."""
    return Room.beside(
        cluster, (each for each in cluster.all_instances() if each.holds_reservation)
    )


def may_host(node: Node, need: Need, *, elastic: bool = False) -> bool:
    """Whether it may start such an instance, room aside."""
    return (
        node.accepts(need.image) and need.labels <= node.labels and not (elastic and node.pressured)
    )


def at_least_nothing(amount: Amount) -> Amount:
    """What is missing counts 0."""
    return Amount(max(0, amount.memory), max(0, amount.millicores), max(0, amount.gpus))


def suits(amount: Amount, free: Amount) -> bool:
    """Whether there is that much; of what it asks none of there may be less than nothing."""
    return amount.fits_in(at_least_nothing(free))


def lacking(amount: Amount, free: Amount) -> float:
    """The part that is missing of what is missing most."""
    pairs = [
        (amount.memory, free.memory),
        (amount.millicores, free.millicores),
        (amount.gpus, free.gpus),
    ]
    return max((max(0.0, 1 - there / wanted) for wanted, there in pairs if wanted), default=0.0)


def one_by_one(
    cluster: Snapshot,
    room: Room,
    need: Need,
    count: int,
    placement: Placement,
    *,
    elastic: bool = False,
) -> list[str]:
    """The nodes that instances go to if each is placed by itself, as the documents say."""
    chosen: list[str] = []
    while len(chosen) < count:
        fitting = [
            name
            for name, node in sorted(cluster.nodes.items())
            if may_host(node, need, elastic=elastic) and suits(need.amount, room.free(name))
        ]
        if not fitting:
            break
        chosen.append(min(fitting, key=lambda name: _key(cluster, room, need, placement, name)))
        room.take(chosen[-1], need.amount)
    return chosen


def _key(
    cluster: Snapshot, room: Room, need: Need, placement: Placement, name: str
) -> tuple[object, ...]:
    node, free = cluster.nodes[name], room.free(name)
    return (
        need.image not in node.local_images,
        not need.amount.gpus and free.gpus > 0,
        preference(placement, free, need.amount),
        name,
    )


def preference(placement: Placement, free: Amount, need: Amount) -> tuple[float, ...]:
    """What the placement prefers, written down once more and without arrays; smaller is better."""
    match placement:
        case Spread():
            return -free.memory, -free.millicores
        case Pack():
            return free.memory, free.millicores
        case _:
            parts = [(need.memory, free.memory), (need.millicores, free.millicores)]
            parts.append((need.gpus, free.gpus))
            return (-max((wanted / there for wanted, there in parts if wanted), default=0.0),)


def all_free(cluster: Snapshot, room: Room) -> dict[str, Amount]:
    """What is free on each node."""
    return {name: room.free(name) for name in cluster.nodes}


def nodes_of(spots: Sequence[Spot]) -> list[str]:
    """Where they are."""
    return [spot.node for spot in spots]


def held_devices(cluster: Snapshot) -> list[tuple[str, str]]:
    """The GPUs that somebody has, with their nodes."""
    return [
        (each.node, device)
        for each in cluster.all_instances()
        if each.holds_reservation
        for device in each.devices
    ]
