"""Elastic instances are taken back when that lets the head of the queue start."""

from typing import Any

import pytest

from tests.support.builders import (
    after,
    amount,
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
from tests.zoe_core.scheduling.lifecycle.life import Life
from tests.zoe_core.scheduling.strategies import free_in
from zoe_core.cluster import Desired, ExecutionStatus, ExecutionView, InstanceView, Node, Observed
from zoe_core.scheduling import Blocker, Plan

RUNNING = ExecutionStatus.RUNNING


def grown(number: int = 1, count: int = 4, **fields: Any) -> ExecutionView:
    """An execution that runs, with up to ``count`` elastic workers of 1 GB."""
    return execution(
        number, service(), worker(essential=0, elastic=count, **fields), status="running"
    )


def workers(number: int = 1, count: int = 4, **fields: Any) -> list[InstanceView]:
    """Its main, and workers that started in turn."""
    return [
        instance(number),
        *(
            instance(
                number,
                "worker",
                each,
                **({"essential": False, "started_at": after(each)} | fields),
            )
            for each in range(count)
        ),
    ]


def taken(made: Plan) -> list[str]:
    return [str(each) for each in made.taken]


def test_the_newest_of_the_latest_are_taken_and_no_more_than_needed() -> None:
    live = [grown(1), grown(2, count=2), execution(3, service(memory=3))]
    made = plan(snapshot(node(memory=8), live, workers(1) + workers(2, 2)))
    assert taken(made) == ["2/worker-1#1", "2/worker-0#1", "1/worker-3#1"]
    assert (made.gangs, made.grown) == ((), ())
    assert made.verdicts[3].blocker is Blocker.MAKING_ROOM


def test_nothing_is_taken_when_that_makes_no_room() -> None:
    live = [grown(1), execution(2, service(memory=8))]
    made = plan(snapshot(node(memory=8), live, workers(1)))
    assert made.taken == ()
    assert made.verdicts[2].blocker is Blocker.NO_ROOM


def test_those_that_are_not_in_the_way_are_spared() -> None:
    elsewhere = workers(2, 2, node="node-1", memory=2)
    live = [grown(1), grown(2, count=2, memory=2), execution(3, service(memory=6))]
    nodes = [node(memory=9), node("node-1", memory=5)]
    made = plan(snapshot(nodes, live, workers(1, 4) + elsewhere))
    assert taken(made) == ["1/worker-3#1", "1/worker-2#1", "1/worker-1#1"]


def test_of_unequal_ones_those_that_are_not_needed_after_all_are_spared() -> None:
    live = [grown(1), execution(2, service(memory=4))]
    there = [
        instance(1),
        instance(1, "worker", 0, memory=4, essential=False, started_at=after(0)),
        instance(1, "worker", 1, memory=1, essential=False, started_at=after(1)),
    ]
    made = plan(snapshot(node(memory=6), live, there))
    assert taken(made) == ["1/worker-0#1"]


@pytest.mark.parametrize(
    "fields",
    [
        {"essential": True},
        {"desired": Desired.PRESENT, "observed": Observed.NONE},  # it might still turn up
    ],
)
def test_instances_that_are_not_taken(fields: dict[str, Any]) -> None:
    live = [grown(1), execution(2, service(memory=3))]
    made = plan(snapshot(node(memory=5), live, workers(1, **fields)))
    assert made.taken == ()


def test_services_that_may_not_be_shrunk_are_left_alone() -> None:
    live = [grown(1, shrink={"allowed": False}), execution(2, service(memory=3))]
    made = plan(snapshot(node(memory=5), live, workers(1)))
    assert made.taken == ()
    assert made.verdicts[2].blocker is Blocker.NO_ROOM


def test_what_ends_gives_its_room_without_being_asked() -> None:
    live = [
        execution(1, service(), status="cleaning_up"),
        grown(2),
        execution(3, service(memory=3)),
    ]
    there = [instance(1, memory=3, desired=Desired.ABSENT), *workers(2)]
    made = plan(snapshot(node(memory=9), live, there))
    assert (taken(made), made.grown) == ([], ())
    assert made.verdicts[3].blocker is Blocker.MAKING_ROOM


def test_an_instance_is_left_alone_until_it_was_held_long_enough() -> None:
    live = [grown(1, min_hold=60), execution(2, service(memory=3))]
    picture = snapshot(node(memory=5), live, workers(1))

    early = plan(picture, 60)  # worker-0 has been held for 60 s, and the others have not
    assert (early.taken, early.review_at) == ((), after(61))
    assert early.verdicts[2].blocker is Blocker.NO_ROOM
    late = plan(picture, 62)
    assert taken(late) == ["1/worker-2#1", "1/worker-1#1", "1/worker-0#1"]
    assert late.review_at is None


# --- growth while somebody waits ---


@pytest.mark.parametrize(
    ("fields", "grows"),
    [({}, True), ({"min_hold": 1}, False), ({"shrink": {"allowed": False}}, False)],
)
def test_while_the_head_has_no_room_only_what_can_be_taken_back_grows(
    fields: dict[str, Any], grows: bool
) -> None:
    live = [grown(1, 2, **fields), execution(2, service(memory=8))]
    made = plan(snapshot(node(memory=8), live, instance(1)))
    assert made.verdicts[2].blocker is Blocker.NO_ROOM
    assert len(made.grown) == (2 if grows else 0)


def test_while_room_is_made_nobody_takes_it_or_more() -> None:
    live = [grown(1), execution(2, service(memory=3)), execution(3)]
    there = workers(1)
    for each in (3, 4):
        there[each] = instance(1, "worker", each - 1, essential=False, desired=Desired.ABSENT)
    made = plan(snapshot(node(memory=6), live, there))
    assert (made.gangs, made.grown, made.taken) == ((), (), ())
    blockers = [each.blocker for each in made.verdicts.values()]
    assert blockers == [Blocker.MAKING_ROOM, Blocker.WOULD_DELAY]


def test_room_on_a_node_that_is_away_is_not_waited_for() -> None:
    live = [grown(1), execution(2, service(memory=3)), execution(3, status="running")]
    leaving = instance(3, memory=3, node="away", desired=Desired.ABSENT)
    nodes = [node(memory=5), node("away", memory=3, online=False)]
    made = plan(snapshot(nodes, live, [*workers(1), leaving]))
    assert len(made.taken) == 3


# --- as it goes on ---


def crowded(nodes: Node) -> Life:
    """Execution 1 has grown over the whole node, and execution 2 was just submitted."""
    life = Life(nodes)
    life.submit(service(), worker(essential=0, elastic=3))
    life.see("main-0", "worker-0", "worker-1", "worker-2")
    life.submit(service(memory=2), number=2)
    return life


def test_the_gang_starts_once_what_was_taken_is_seen_gone_and_it_grows_again_later() -> None:
    life = crowded(node(memory=4))
    assert life.execution(2).status is ExecutionStatus.QUEUED
    leaving = [each for each in life.picture.instances_of(1) if each.leaving]
    assert [each.id.name for each in leaving] == ["worker-1", "worker-2"]
    assert {each.detail for each in leaving} == {"It was taken back to make room."}
    life.exit("worker-2", code=-15)
    assert life.execution(2).status is ExecutionStatus.QUEUED
    assert free_in(life.picture) == {"node-0": amount(1, 5)}
    life.exit("worker-1", code=-15)
    assert life.execution(2).status is ExecutionStatus.STARTING
    assert life.status is RUNNING
    (main,) = life.picture.instances_of(2)
    life.see_exactly(main.id, observed=Observed.EXITED, exit_code=0)
    life.clean(2)
    assert life.names() == [
        *("1/main-0#1", "1/worker-0#1"),
        *("1/worker-1#1", "1/worker-1#2", "1/worker-2#1", "1/worker-2#2"),
    ]


def test_what_was_taken_back_is_told() -> None:
    life = crowded(node(memory=4))
    told = [data for number, kind, data in life.events if (number, kind) == (1, "instance")]
    assert [(each["name"], each["desired"], each["detail"]) for each in told[-2:]] == [
        ("worker-2", "absent", "It was taken back to make room."),
        ("worker-1", "absent", "It was taken back to make room."),
    ]


def test_what_was_taken_back_for_one_who_gave_up_comes_again() -> None:
    life = crowded(node(memory=4))
    life.end(number=2)
    life.let_go()
    assert life.newest("worker-1").id.attempt == 2


def test_being_taken_back_often_is_no_reason_to_be_done_without() -> None:
    life = crowded(node(memory=4))
    for number in range(3, 15):
        life.let_go()
        life.end(number=number - 1)
        life.let_go()
        life.clean(number - 1)
        life.see("worker-1", "worker-2")
        life.submit(service(memory=2), number=number)
    assert life.newest("worker-1").id.attempt > 10


def test_placements_of_those_that_start_before_the_head_count() -> None:
    live = [grown(1), execution(2), execution(3, service(memory=2))]
    made = plan(snapshot(node(memory=6), live, workers(1)))
    assert started(made) == [2]
    assert places(made.gangs[0].instances) == {"2/main-0#1": "node-0"}
    assert len(made.taken) == 2
