"""Instances that failed start again, as their service's ``restart`` says."""

from typing import Any

import pytest

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
    started,
    worker,
)
from tests.support.free_room import free_room
from tests.zoe_core.scheduling.lifecycle.life import Life, run
from zoe_core.cluster import Desired, ExecutionStatus, InstanceView, Observed, Outcome, Snapshot
from zoe_core.scheduling import Blocker

QUEUED, STARTING = ExecutionStatus.QUEUED, ExecutionStatus.STARTING
RUNNING, CLEANING_UP = ExecutionStatus.RUNNING, ExecutionStatus.CLEANING_UP
TERMINATED, ERROR = ExecutionStatus.TERMINATED, ExecutionStatus.ERROR
AGAIN = {"policy": "on-failure", "count": 2}
PAIR = (service(), worker(restart=AGAIN))


@pytest.mark.parametrize("how", ["fail", "lose"])
def test_an_essential_instance_that_failed_starts_again_while_the_execution_runs(how: str) -> None:
    life = run(*PAIR)
    free = free_room(life.picture)
    life.exit("worker-0", code=1) if how == "fail" else life.lose("worker-0")
    assert life.status is RUNNING
    assert life.names() == ["1/main-0#1", "1/worker-0#1", "1/worker-0#2"]
    assert free_room(life.picture) == free, "the new attempt holds what the old one held"
    life.see("worker-0")
    life.exit("main-0")
    assert life.execution().outcome == Outcome(TERMINATED, "main-0 has finished.")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_it_ends_with_the_last_failure_when_no_restart_is_left(count: int) -> None:
    life = run(service(), worker(restart={"policy": "on-failure", "count": count}))
    for _ in range(count):
        life.exit("worker-0", code=1)
        assert life.status is RUNNING
        life.see("worker-0")
    life.exit("worker-0", code=7)
    assert life.execution().outcome == Outcome(
        ERROR, "worker-0 has failed with exit code 7; its log may say why."
    )
    assert life.newest("worker-0").id.attempt == count + 1


def test_each_instance_has_its_own_restarts() -> None:
    life = run(service(), worker(essential=2, restart={"policy": "on-failure", "count": 1}))
    life.exit("worker-0", "worker-1", code=1)
    life.see("worker-0", "worker-1")
    assert life.status is RUNNING


def test_one_that_could_not_be_started_is_not_tried_again() -> None:
    life = run(*PAIR)
    life.exit("worker-0", code=1)
    life.lose("worker-0", detail="No such image.")
    assert life.execution().outcome == Outcome(
        ERROR, "worker-0 could not be started: No such image."
    )


def test_one_that_has_done_its_part_does_not_start_again() -> None:
    life = run(*PAIR)
    life.exit("worker-0", code=0)
    assert (life.status, life.names()) == (RUNNING, ["1/main-0#1", "1/worker-0#1"])


def test_a_monitor_that_failed_decides_only_when_it_may_not_start_again() -> None:
    life = run(service(restart={"policy": "on-failure", "count": 1}))
    life.exit("main-0", code=1)
    assert life.status is RUNNING
    life.exit("main-0", code=1)
    assert life.status is CLEANING_UP
    assert life.execution().outcome.status is ERROR


def test_what_ends_is_not_started_again() -> None:
    life = run(*PAIR)
    life.step(lambda each: each.wish_end(1, "Enough."))
    life.exit("worker-0", code=1)
    assert life.names() == ["1/main-0#1", "1/worker-0#1"]


@pytest.mark.parametrize(("policy", "comes_again"), [("on-failure", True), ("never", False)])
def test_an_elastic_instance_that_failed_follows_the_policy(policy: str, comes_again: bool) -> None:
    life = run(service(), worker(essential=0, elastic=1, restart={"policy": policy, "count": 1}))
    life.exit("worker-0", code=1)
    assert ("1/worker-0#2" in life.names()) is comes_again
    life.exit("worker-0", code=1)
    assert "1/worker-0#3" not in life.names()
    assert life.status is RUNNING


# --- while it starts ---


def test_one_that_fails_while_the_others_start_starts_again() -> None:
    life = Life()
    life.submit(*PAIR)
    life.exit("worker-0", code=1)
    assert life.status is STARTING
    life.see("main-0")
    assert life.status is STARTING, "one of the gang is missing"
    life.see("worker-0")
    assert life.status is RUNNING


def test_one_that_fails_while_the_others_start_ends_it_without_restart() -> None:
    life = Life()
    life.submit(service(), worker())
    life.exit("worker-0", code=1)
    assert (life.status, life.execution().outcome.status) == (CLEANING_UP, ERROR)


def test_the_deadline_counts_for_the_gang_with_all_its_restarts() -> None:
    life = Life()
    life.submit(*PAIR)
    life.see("main-0")
    life.wait(59)
    life.exit("worker-0", code=1)
    life.wait(1)
    assert life.told[-1][2] == "worker-0 was not ready in 60 s; it will be tried again."


def test_failures_of_a_gang_that_was_not_whole_do_not_count() -> None:
    life = Life()
    life.submit(*PAIR)
    for _ in range(2):
        life.exit("worker-0", code=1)
    life.wait(60)
    life.leave()
    assert (life.status, life.execution().start_failures) == (STARTING, 1)
    life.see("main-0", "worker-0")
    life.exit("worker-0", code=1)
    assert life.status is RUNNING


# --- its place in the queue ---


def failed_worker(*rest: InstanceView, memory: float = 2) -> tuple[InstanceView, ...]:
    """Main runs, and worker-0 has failed."""
    gone = {"observed": Observed.EXITED, "exit_code": 1}
    return instance(1), instance(1, "worker", memory=memory, **gone), *rest


def broken(nodes: Any, *others: InstanceView, memory: float = 2) -> Snapshot:
    """Execution 1 lacks a worker, 2 runs, and 3 and 4 wait; 4 is on hold."""
    parts = service(elastic=1), worker(memory=memory, restart=AGAIN)
    live = [
        execution(1, *parts, status="running"),
        execution(2, service(elastic=1), worker(essential=0, elastic=5), status="running"),
        execution(3),
        execution(4, on_hold=True),
    ]
    return snapshot(nodes, live, [*failed_worker(memory=memory), instance(2), *others])


def test_a_restart_goes_before_gangs_and_growth() -> None:
    made = plan(broken(node(memory=5)))
    assert places(made.restarted) == {"1/worker-0#2": "node-0"}
    (again,) = made.restarted
    assert (again.essential, again.reservation) == (True, amount(2))
    assert (again.desired, again.observed) == (Desired.PRESENT, Observed.NONE)
    assert (started(made), made.grown) == ([3], ())


def test_while_a_restart_finds_no_room_nothing_else_starts() -> None:
    made = plan(broken(node(memory=6), instance(2, index=1, memory=3)))
    assert (made.restarted, made.gangs, made.grown, made.taken) == ((), (), (), ())
    verdict = made.verdicts[3]
    assert (verdict.blocker, verdict.position) == (Blocker.RESTART, 1)
    assert (verdict.of, verdict.instance, verdict.needs) == (1, "worker-0", amount(2))
    assert verdict.free == amount(1, 5)
    assert (made.verdicts[4].blocker, made.verdicts[4].position) == (Blocker.ON_HOLD, 2)


def test_room_is_made_for_a_restart() -> None:
    elastic = [instance(2, "worker", index, essential=False) for index in range(3)]
    made = plan(broken(node(memory=6), *elastic))
    assert [str(each) for each in made.taken] == ["2/worker-2#1"]
    assert (made.restarted, made.gangs, made.grown) == ((), (), ())
    assert made.verdicts[3].blocker is Blocker.RESTART


def test_a_restart_that_no_node_could_take_holds_back_nobody() -> None:
    picture = broken([node(memory=3), node("away", memory=9, online=False)], memory=5)
    made = plan(picture)
    assert made.restarted == ()
    assert started(made) == [3]


def test_a_restart_that_could_only_have_the_room_of_its_own_gang_holds_back_nobody() -> None:
    made = plan(broken([node(memory=5)], memory=5))
    assert started(made) == [3]


def test_of_two_that_failed_the_one_with_room_starts() -> None:
    large = execution(1, service(), worker(memory=4, restart=AGAIN), status="running")
    small = execution(2, service(restart=AGAIN), status="running")
    there = [
        *failed_worker(memory=4),
        instance(2, observed=Observed.LOST, started_at=START),
        instance(3, memory=4),
    ]
    live = [large, small, execution(3, status="running"), execution(4)]
    made = plan(snapshot(node(memory=7), live, there))
    assert places(made.restarted) == {"2/main-0#2": "node-0"}
    assert made.verdicts[4].of == 1
