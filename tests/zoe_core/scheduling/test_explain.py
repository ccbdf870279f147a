"""What people who wait are told."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.builders import (
    START,
    after,
    amount,
    execution,
    instance,
    node,
    plan,
    service,
    snapshot,
    worker,
)
from zoe_core.amount import Amount
from zoe_core.cluster import Desired, ExecutionView, InstanceView, Node, Observed
from zoe_core.scheduling import explain
from zoe_core.scheduling.settings import MAX_OVERTAKE


def gpu_node(name: str, memory: float = 8, cores: float = 8, gpus: int = 0) -> Node:
    """A node with GPUs."""
    plain = node(name, memory, cores, devices=tuple(str(each) for each in range(gpus)))
    return replace(plain, capacity=plain.capacity + Amount(gpus=gpus))


NOBODY_KNOWS = "When there will be room is not known: too little of what stays is known to end."


@pytest.mark.parametrize(
    ("nodes", "waiting", "instances", "sentence"),
    [
        (
            [node(memory=2, cores=2), node("node-1", memory=3, cores=1)],
            execution(1, service(memory=4, cores=2)),
            [],
            "The nodes that are here now would be too small for it even if they were empty: "
            "main-0 needs 4 GB, 2 cores; node-0 comes closest, but has only 2 GB.",
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
        "1 core; node-0 comes closest, but has only 1 GB free.",
    )


AGAIN = "An essential instance of it failed, and waits for room to start again."


def test_who_runs_and_lacks_an_instance_that_failed_is_told() -> None:
    parts = service(), worker(memory=2, restart="on-failure")
    gone = instance(7, "worker", memory=2, observed=Observed.EXITED, exit_code=1)
    holder = execution(8, status="running", limit=600, started_at=START)
    live = [execution(7, *parts, status="running"), holder]
    picture = snapshot(node(memory=4), live, [instance(7), gone, instance(8, memory=2)])
    explanation = explain(plan(picture), 7, after(60))
    assert explanation is not None
    assert (explanation.position, explanation.ahead) == (0, ())
    assert explanation.reasons == (
        AGAIN,
        "worker-0 needs 2 GB, 1 core; node-0 comes closest, but has only 1 GB free.",
        "It starts at the latest when execution 8 has ended, in about 9 min, by its limit.",
    )
    smaller = snapshot(node(memory=2), live[:1], [instance(7), gone])
    explanation = explain(plan(smaller), 7)
    assert explanation is not None
    assert explanation.reasons == (
        AGAIN,
        "The nodes that are here now would be too small for it even if they were empty: "
        "worker-0 needs 2 GB, 1 core; node-0 comes closest, but has only 1 GB.",
    )
    assert explain(plan(snapshot(node(memory=5), live, picture.all_instances())), 7) is None


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
        "main-0 needs 4 GB, 2 cores; node-0 comes closest, but has only 2 GB free.",
        NOBODY_KNOWS,
    )


@pytest.mark.parametrize(
    ("needs", "sentence"),
    [
        (
            service(memory=4, cores=9),
            "main-0 needs 4 GB, 9 cores; cores comes closest, but has only 8 cores free",
        ),
        (
            service(memory=13, cores=3),
            "main-0 needs 13 GB, 3 cores; big comes closest, but has only 12 GB and 2 cores free",
        ),
        (
            service(memory=6, cores=3, gpus=1),
            "main-0 needs 6 GB, 3 cores, 1 GPU; gpu comes closest, but has only 4 GB free",
        ),
        (
            service(memory=4, gpus=3),
            "main-0 needs 4 GB, 1 core, 3 GPUs; gpu comes closest, but has only 1 GPU free",
        ),
    ],
)
def test_the_node_is_told_that_lacks_least_and_what_it_lacks(
    needs: dict[str, Any], sentence: str
) -> None:
    """Empty, each node could start it but for the last, which is held by another one."""
    nodes = [
        node("cores", memory=4, cores=8),
        node("big", memory=12, cores=2),
        gpu_node("gpu", memory=4, cores=8, gpus=1),
        gpu_node("large", memory=64, cores=64, gpus=4),
    ]
    holder = replace(
        instance(9, node="large"),
        reservation=amount(64, 64) + Amount(gpus=4),
        devices=tuple("0123"),
    )
    picture = snapshot(nodes, [execution(1, needs), execution(9, status="running")], holder)
    explanation = explain(plan(picture), 1)
    assert explanation is not None
    assert explanation.reasons[0] == f"{sentence}."


def test_gpus_that_are_not_free_are_told() -> None:
    nodes = [gpu_node("a", gpus=1), gpu_node("b", gpus=1)]
    holders = [
        replace(
            instance(9, index=index, node=name),
            reservation=amount() + Amount(gpus=1),
            devices=("0",),
        )
        for index, name in enumerate("ab")
    ]
    both = execution(9, service(gpus=1, essential=2), status="running")
    queue = [execution(1, service(gpus=1)), execution(2, service(), worker(gpus=1, essential=2))]
    for waiting, sentence in zip(
        queue,
        (
            "main-0 needs 1 GB, 1 core, 1 GPU; a comes closest, but has no GPU free.",
            "worker needs 2 × (1 GB, 1 core, 1 GPU); a comes closest, but has no GPU free.",
        ),
        strict=True,
    ):
        explanation = explain(plan(snapshot(nodes, [waiting, both], holders)), waiting.id)
        assert explanation is not None
        assert explanation.reasons[0] == sentence
    one_left = plan(snapshot(nodes, [queue[1], both], holders[:1]))
    explanation = explain(one_left, 2)
    assert explanation is not None
    assert explanation.reasons[0] == (
        "Its 3 essential instances start together and need 3 GB, 3 cores, 2 GPUs in all; "
        "15 GB, 15 cores, 1 GPU are free."
    )


@pytest.mark.parametrize(
    ("waiting", "sentence"),
    [
        (
            execution(1, service(), worker(essential=3, memory=4)),
            "Its 4 essential instances start together and need 13 GB, 4 cores in all; all of them "
            "together have 12 GB, 10 cores",
        ),
        (
            execution(1, service(essential=3, memory=3.5)),
            "main needs 3 × (3.5 GB, 1 core); beside the rest of its gang there would be room for "
            "2 of them",
        ),
        (
            execution(1, service(gpus=1, memory=9)),
            "main-0 needs 9 GB, 1 core, 1 GPU; large comes closest, but has only 8 GB and no GPU",
        ),
    ],
)
def test_what_is_too_large_is_told_what_there_is(waiting: ExecutionView, sentence: str) -> None:
    nodes = [
        node("large", memory=8),
        node("small", memory=2, cores=1),
        node("tiny", memory=2, cores=1),
        node("away", memory=99, cores=99, online=False),
    ]
    explanation = explain(plan(snapshot(nodes, waiting)), 1)
    assert explanation is not None
    assert explanation.reasons == (
        "The nodes that are here now would be too small for it even if they were empty: "
        f"{sentence}.",
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
    assert (last.position, last.ahead) == (3, (3, 4)), "who is on hold is in nobody's way"
    assert last.reasons == (
        "There is room for it, but execution 3, which comes first, has been overtaken 100 times: "
        "now only what surely does not delay it starts.",
    )


def test_who_does_not_wait_gets_no_explanation() -> None:
    made = plan(snapshot(node(), [execution(1), execution(2, status="running")], instance(2)))
    assert [explain(made, each) for each in (1, 2, 3)] == [None, None, None]
