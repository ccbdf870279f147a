"""Generated clusters: few nodes, few services, amounts that often just fit or just don't."""

from hypothesis import strategies as st

from tests.support.builders import GB, START, execution, instance, node, service, snapshot
from zoe_core.amount import Amount
from zoe_core.cluster import (
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceView,
    Node,
    Observed,
    Snapshot,
)

memories = st.sampled_from([1, 2, 4])
cores = st.sampled_from([0.5, 1, 2])
images = st.sampled_from(["test", "test", "test", "other"])


def nodes(*, ready: bool = False) -> st.SearchStrategy[list[Node]]:
    """Up to four nodes; ``ready``: all of them online and none draining."""
    states = st.just({}) if ready else st.sampled_from([{}, {}, {"online": False}, {"draining": 1}])
    return st.lists(
        st.builds(
            lambda memory, cores, images, state: (memory, cores, images, state),
            st.integers(0, 8),
            st.integers(0, 8),
            st.sampled_from([None, None, frozenset({"test"}), frozenset({"test", "other"})]),
            states,
        ),
        max_size=4,
    ).map(
        lambda parts: [
            node(f"node-{number}", memory, cores, images=images, **state)
            for number, (memory, cores, images, state) in enumerate(parts)
        ]
    )


@st.composite
def services(draw: st.DrawFn) -> list[dict]:
    """One or two services, the first a monitor."""
    return [
        service(
            name,
            monitor=name == "main",
            essential=draw(st.integers(int(name == "main"), 3)),
            elastic=draw(st.integers(1, 3)),
            memory=draw(memories),
            cores=draw(cores),
            image=draw(images),
            startup_order=draw(st.integers(0, 1)),
            restart=draw(st.sampled_from(["never", "on-failure"])),
            shrink={"allowed": draw(st.sampled_from([True, True, False]))},
            min_hold=draw(st.sampled_from([0, 0, 60])),
        )
        for name in draw(st.sampled_from([("main",), ("main", "worker")]))
    ]


@st.composite
def executions(draw: st.DrawFn, number: int) -> ExecutionView:
    """An execution in any state that is live."""
    status = draw(st.sampled_from(["queued", "queued", "queued", "starting", "running"]))
    return execution(
        number,
        *draw(services()),
        status=status,
        on_hold=draw(st.sampled_from([False, False, False, True])),
        starting_since=None if status == "queued" else START,
    )


@st.composite
def instances_of(draw: st.DrawFn, view: ExecutionView, names: list[str]) -> list[InstanceView]:
    """Some first attempts of its instances, on any node, also one that is gone."""
    waiting = view.status is ExecutionStatus.QUEUED
    desired = st.just(Desired.ABSENT) if waiting else st.sampled_from(Desired)
    codes = st.sampled_from([0, 1])
    return [
        instance(
            view.id,
            each.dns_label,
            index,
            node=draw(st.sampled_from([*names, "gone"])),
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


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """A cluster with up to six executions."""
    machines = draw(nodes())
    live = [draw(executions(number)) for number in range(1, draw(st.integers(1, 6)) + 1)]
    names = [each.name for each in machines]
    there = [each for view in live for each in draw(instances_of(view, names))]
    return snapshot(machines, live, there)


def overdrawn(free: dict[str, Amount]) -> set[str]:
    """The nodes on which more is held than there is."""
    return {name for name, left in free.items() if min(left.memory, left.millicores) < 0}
