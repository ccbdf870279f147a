"""Essential instances that failed and start again: who goes first, and who may pass."""

from dataclasses import replace
from typing import Any

from tests.support.builders import (
    START,
    amount,
    execution,
    instance,
    node,
    places,
    plan,
    service,
    snapshot,
    worker,
)
from zoe_core.cluster import ExecutionView, InstanceView, Observed, Snapshot
from zoe_core.scheduling import Blocker, explain

LARGE, HOLDER = 1, 2


def broken(number: int, memory: float, **fields: Any) -> tuple[ExecutionView, list[InstanceView]]:
    """An execution that runs, and lacks a worker that failed."""
    parts = service(), worker(memory=memory, restart={"policy": "on-failure", "count": 9})
    failed = instance(number, "worker", memory=memory, observed=Observed.EXITED, exit_code=1)
    view = execution(number, *parts, status="running", started_at=START, **fields)
    return view, [instance(number, node="mains"), failed]


def several(small: int, *, overtaken: int = 0, **holder: Any) -> Snapshot:
    """A large one waits until the holder ends; small ones behind it would fit now: 6 GB are free,
    2 GB of them beside the large one when the holder has ended."""
    large, there = broken(LARGE, 8, overtaken=overtaken)
    held = execution(HOLDER, service(memory=4), status="running", started_at=START, **holder)
    live, there = [large, held], [*there, instance(HOLDER, memory=4)]
    for number in range(3, 3 + small):
        view, its = broken(number, 1)
        live, there = [*live, view], [*there, *its]
    return snapshot([node(memory=10), node("mains", memory=1 + small)], live, there)


def test_behind_the_first_that_waits_others_restart_beside_its_places_only() -> None:
    made = plan(several(4, limit=100))
    assert list(places(made.restarted)) == ["3/worker-0#2", "4/worker-0#2"]
    assert {key: each.blocker for key, each in made.lacking.items()} == {
        LARGE: Blocker.NO_ROOM,
        5: Blocker.RESTART,
        6: Blocker.RESTART,
    }
    told = explain(made, 5)
    assert told is not None
    assert told.reasons[1].startswith(
        "An instance of execution 1 failed and is started again first"
    )


def test_while_nobody_knows_when_it_starts_others_pass_as_often_as_is_allowed() -> None:
    made = plan(several(4, overtaken=1), max_overtake=3)
    assert list(places(made.restarted)) == ["3/worker-0#2", "4/worker-0#2"]
    assert made.overtaken == {LARGE: 3}
    again = plan(several(4, overtaken=3), max_overtake=3)
    assert (again.restarted, again.overtaken) == ((), {})


def test_two_that_hold_each_others_room_do_not_wait_for_each_other() -> None:
    """The first needs the room of the other, which could never end without its worker."""
    large, there = broken(1, 8)
    other, its = broken(2, 1)
    in_the_way = replace(its[0], node="node-0", reservation=amount(3, 1))
    nodes = [node(memory=10), node("mains")]
    picture = snapshot(nodes, [large, other], [*there, in_the_way, its[1]])
    made = plan(picture)
    assert list(places(made.restarted)) == ["2/worker-0#2"]
    assert made.lacking[1].blocker is Blocker.NO_ROOM


def test_one_that_could_never_restart_holds_back_nobody() -> None:
    large, there = broken(1, 80)
    small, its = broken(2, 1)
    made = plan(snapshot([node(), node("mains")], [large, small], [*there, *its]))
    assert list(places(made.restarted)) == ["2/worker-0#2"]
    assert made.lacking[1].blocker is Blocker.TOO_LARGE
    assert made.overtaken == {}


def test_what_lacks_several_is_told_of_the_one_that_all_wait_for() -> None:
    again = {"policy": "on-failure", "count": 9}
    parts = [
        worker(name=name, memory=memory, restart=again) for name, memory in (("a", 80), ("b", 7))
    ]
    view = execution(1, service(), *parts, status="running")
    failed = [
        instance(1, name, memory=memory, observed=Observed.EXITED, exit_code=1)
        for name, memory in (("a", 80), ("b", 7))
    ]
    holder = execution(2, service(memory=4), status="running")
    made = plan(snapshot(node(), [view, holder], [instance(1), *failed, instance(2, memory=4)]))
    assert made.lacking[1].instance == "b-0"
