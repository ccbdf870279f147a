"""Priorities, labels, GPUs and memory pressure: who comes first, and where instances may go."""

from dataclasses import replace

from tests.support.builders import (
    execution,
    instance,
    node,
    places,
    plan,
    service,
    snapshot,
    started,
    worker,
)
from zoe_core.cluster import Desired, Observed
from zoe_core.scheduling import Blocker, explain


def test_classes_go_before_the_policy() -> None:
    queue = [
        execution(1, priority="low"),
        execution(2),
        execution(3, priority="high"),
        execution(4, priority="high"),
    ]
    assert started(plan(snapshot(node(), queue))) == [3, 4, 2, 1]


def test_a_service_goes_where_its_labels_are() -> None:
    nodes = [node("a", memory=9), node("b", labels=frozenset({"fast", "ssd"}))]
    (gang,) = plan(snapshot(nodes, execution(1, service(labels=["fast"])))).gangs
    assert places(gang.instances) == {"1/main-0#1": "b"}
    made = plan(snapshot(nodes, execution(1, service(labels=["slow"]))))
    told = explain(made, 1)
    assert told is not None
    assert told.reasons == (
        "No node that has the label slow can start the image test, as main-0 needs it now.",
    )


def test_gpus_are_given_by_id_the_lowest_first_and_not_twice() -> None:
    box = replace(node(), devices=("0", "1", "2"))
    box = replace(box, capacity=replace(box.capacity, gpus=3))
    held = replace(instance(1), devices=("0",))
    held = replace(held, reservation=replace(held.reservation, gpus=1))
    running = execution(1, service(gpus=1), status="running")
    made = plan(snapshot(box, [running, execution(2, service(gpus=2))], held))
    assert [each.devices for each in made.gangs[0].instances] == [("1", "2")]


def test_no_elastic_instance_grows_on_a_node_short_of_memory() -> None:
    live = [execution(1, service(), worker(essential=0, elastic=1), status="running"), execution(2)]
    made = plan(snapshot(node(pressured=True), live, instance(1)))
    assert (started(made), made.grown) == ([2], ())


def test_what_leaves_for_a_restart_is_waited_for_and_others_pass_beside_it() -> None:
    again = {"policy": "on-failure", "count": 2}
    live = [
        execution(1, service(), worker(memory=4, restart=again), status="running"),
        execution(2, status="cleaning_up"),
        execution(3),
        execution(4, service(memory=2)),
    ]
    there = [
        instance(1),
        instance(1, "worker", memory=4, observed=Observed.EXITED, exit_code=1),
        instance(2, memory=5, desired=Desired.ABSENT),
    ]
    made = plan(snapshot(node(), live, there))
    assert started(made) == [3]
    assert made.verdicts[4].blocker is Blocker.NO_ROOM
