"""What people who wait are told."""

import pytest

from tests.support.builders import execution, instance, node, plan, service, snapshot, worker
from zoe_core.cluster import Desired, ExecutionView, InstanceView, Node, Observed
from zoe_core.scheduling import explain
from zoe_core.scheduling.settings import MAX_OVERTAKE

NOBODY_KNOWS = "When there will be room is not known: too little of what runs is known to end."


@pytest.mark.parametrize(
    ("nodes", "waiting", "instances", "sentence"),
    [
        (
            [node(memory=2, cores=2), node("node-1", memory=3, cores=1)],
            execution(1, service(memory=4, cores=2)),
            [],
            "The nodes that are here now would be too small for it even if they were empty: "
            "main-0 needs 4 GB, 2 cores.",
        ),
        (
            [node(images=frozenset({"other"}))],
            execution(1),
            [],
            "No node can start the image test that main-0 needs now.",
        ),
        ([node()], execution(1, on_hold=True), [], "It is on hold."),
        (
            [node()],
            execution(1),
            [instance(desired=Desired.ABSENT)],
            "The instances of its last attempt are still being removed.",
        ),
    ],
)
def test_each_reason_is_a_sentence(
    nodes: list[Node], waiting: ExecutionView, instances: list[InstanceView], sentence: str
) -> None:
    explanation = explain(plan(snapshot(nodes, waiting, instances)), 1)
    assert explanation is not None
    assert (explanation.position, explanation.ahead) == (1, ())
    assert explanation.reasons == (sentence,)


def test_who_waits_for_a_restart_is_told_what_that_needs() -> None:
    parts = service(), worker(memory=2, restart="on-failure")
    live = [execution(7, *parts, status="running"), execution(8, status="running"), execution(9)]
    gone = instance(7, "worker", memory=2, observed=Observed.EXITED, exit_code=1)
    there = [instance(7), gone, instance(8, memory=2)]
    explanation = explain(plan(snapshot(node(memory=4), live, there)), 9)
    assert explanation is not None
    assert explanation.reasons == (
        "An instance of execution 7 failed and is started again first: worker-0 needs 2 GB, "
        "1 core; the most that is free on one node is 1 GB, 6 cores, on node-0.",
    )


def test_who_waits_for_what_leaves_is_told() -> None:
    live = [execution(1, status="cleaning_up"), execution(2, service(memory=8))]
    leaving = instance(1, desired=Desired.ABSENT)
    explanation = explain(plan(snapshot(node(), live, leaving)), 2)
    assert explanation is not None
    assert explanation.reasons == (
        "Room is being made for it: it starts once what leaves is gone.",
    )


def test_who_has_no_room_is_told_what_is_free() -> None:
    nodes = [node(memory=2, cores=2), node("node-1", memory=4, cores=2)]
    queue = [execution(1, service(memory=4, cores=2)), execution(2, status="running")]
    there = instance(2, node="node-1")
    explanation = explain(plan(snapshot(nodes, queue, there)), 1)
    assert explanation is not None
    assert explanation.reasons == (
        "main-0 needs 4 GB, 2 cores; the most that is free on one node is 3 GB, 1 core, on node-1.",
        NOBODY_KNOWS,
    )


def test_a_gang_without_room_is_told_what_it_needs_together() -> None:
    queue = [
        execution(1, service(), worker(essential=2, memory=2)),
        execution(2, status="running"),
    ]
    there = instance(2, memory=2, cores=2)
    explanation = explain(plan(snapshot(node(memory=6, cores=4), queue, there)), 1)
    assert explanation is not None
    assert explanation.reasons == (
        "Its 3 essential instances start together and need 5 GB, 3 cores in all; "
        "4 GB, 2 cores are free.",
        NOBODY_KNOWS,
    )


def test_of_many_ahead_the_nearest_are_told() -> None:
    made = plan(snapshot(node(), [execution(each, on_hold=True) for each in range(1, 31)]))
    last = explain(made, 30)
    assert last is not None
    assert (last.position, last.ahead) == (30, tuple(range(10, 30)))


def test_who_waits_behind_others_is_told_who_they_are() -> None:
    queue = [
        execution(1),
        execution(2, on_hold=True),
        execution(3, service(memory=8), overtaken=MAX_OVERTAKE),
        execution(4),
        execution(5),
    ]
    made = plan(snapshot(node(), queue))
    last = explain(made, 5)
    assert last is not None
    assert (last.position, last.ahead) == (4, (2, 3, 4))
    assert last.reasons == (
        "There is room for it, but execution 3, which comes first, has been overtaken 100 times: "
        "now only what surely does not delay it starts.",
    )


def test_who_does_not_wait_gets_no_explanation() -> None:
    made = plan(snapshot(node(), [execution(1), execution(2, status="running")], instance(2)))
    assert [explain(made, each) for each in (1, 2, 3)] == [None, None, None]
