"""An execution on hold keeps its place, does not start, and is in nobody's way."""

import pytest

from tests.support.builders import node, service, worker
from tests.zoe_core.scheduling.lifecycle.life import Life, run
from zoe_core.cluster import Desired, ExecutionStatus, Observed, Outcome

QUEUED, STARTING = ExecutionStatus.QUEUED, ExecutionStatus.STARTING
WHY = "Its server's token is dead."


def hold(life: Life, number: int = 1) -> object:
    return life.step(lambda each: each.hold(number, WHY))


def release(life: Life, number: int = 1) -> object:
    return life.step(lambda each: each.release(number))


def held_events(life: Life) -> list[tuple[str, dict]]:
    return [(kind, data) for _, kind, data in life.events if kind in ("hold", "release")]


def test_what_waits_is_held_and_released() -> None:
    life = Life(node(memory=2))
    life.submit(service(memory=2), number=2)
    life.submit()
    hold(life)
    assert (life.status, life.execution().on_hold) == (QUEUED, True)
    (main,) = life.picture.instances_of(2)
    life.see_exactly(main.id, observed=Observed.EXITED, exit_code=0)
    assert life.status is QUEUED
    release(life)
    assert (life.status, life.execution().on_hold) == (STARTING, False)
    assert held_events(life) == [("hold", {"reason": WHY}), ("release", {})]


def test_it_keeps_its_place_and_lets_others_pass() -> None:
    life = Life(())
    life.submit()
    life.submit(number=2)
    hold(life)
    life.picture = type(life.picture)(
        {"node-0": node(memory=1)}, life.picture.executions, life.picture.instances
    )
    life.step()
    assert life.execution(2).status is STARTING
    life.submit(number=3)
    release(life)
    (main,) = life.picture.instances_of(2)
    life.see_exactly(main.id, observed=Observed.EXITED, exit_code=0)
    assert (life.status, life.execution(3).status) == (STARTING, QUEUED)


def test_what_starts_goes_back_to_the_queue_without_a_failure() -> None:
    life = Life()
    life.submit(service(), worker())
    life.see("main-0")
    hold(life)
    assert (life.status, life.execution().on_hold) == (QUEUED, True)
    assert life.execution().start_failures == 0
    assert life.told[-1] == ("starting", "queued", WHY)
    assert all(each.desired is Desired.ABSENT for each in life.picture.instances_of(1))
    release(life)
    assert life.status is QUEUED, "its last gang is still leaving"
    life.leave()
    assert life.status is STARTING
    life.see("main-0", "worker-0")
    assert life.status is ExecutionStatus.RUNNING


def test_a_release_while_the_last_gang_leaves_lets_it_start_afterwards() -> None:
    life = Life()
    life.submit()
    life.see("main-0", observed=Observed.CREATING)
    life.step(lambda each: (each.hold(1, WHY), each.release(1)))
    assert (life.status, life.execution().on_hold) == (QUEUED, False)
    life.leave()
    assert life.status is STARTING


def test_doubled_wishes_change_nothing() -> None:
    life = Life(())
    life.submit()
    assert not release(life)
    assert hold(life)
    assert not hold(life)
    assert release(life)
    assert not release(life)


@pytest.mark.parametrize("state", ["running", "cleaning up", "ended", "unknown", "to be ended"])
def test_only_what_has_not_started_is_held(state: str) -> None:
    life = Life(()) if state == "to be ended" else run()
    match state:
        case "cleaning up":
            life.exit("main-0")
        case "ended":
            life.exit("main-0")
            life.clean()
        case "to be ended":
            life.submit()
            life.step(lambda each: (each.wish_end(1, "Enough."), each.hold(1, WHY)))
    assert not hold(life, number=2 if state == "unknown" else 1)
    assert not life.execution().on_hold
    assert held_events(life) == []


def test_what_is_on_hold_can_be_ended_and_is_then_not_released() -> None:
    life = Life()
    life.submit(service(), worker())
    life.see("main-0")
    hold(life)
    life.end()
    assert life.status is ExecutionStatus.CLEANING_UP
    assert not release(life)
    life.leave()
    life.clean()
    assert life.execution().outcome == Outcome(ExecutionStatus.TERMINATED, "Enough.")


def test_a_submission_may_be_held_in_the_step_that_admits_it() -> None:
    life = Life(())
    life.submit()
    fresh = life.execution()
    again = Life()
    submitted = type(fresh)(
        1, "alice", "test", fresh.zapp, ExecutionStatus.SUBMITTED, fresh.submitted_at
    )
    again.step(lambda each: (each.admit(submitted), each.hold(1, WHY)))
    assert (again.status, again.names()) == (QUEUED, [])
