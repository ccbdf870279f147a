"""The world in virtual time, against small cases that can be computed by hand."""

from datetime import datetime

import pytest

from tests.support.builders import (
    START,
    after,
    execution,
    instance,
    node,
    service,
    snapshot,
    worker,
)
from zoe_core.cluster import Desired, Observed, Snapshot
from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_core.simulation import Work, World


def world(picture: Snapshot | None = None, **arguments: float) -> World:
    """On one node of 4 GB, unless a picture is given."""
    picture = snapshot(node(memory=4)) if picture is None else picture
    return World(picture, SchedulingSettings(), StartRules(), START, **arguments)


def seconds(moments: dict[int, datetime]) -> dict[int, float]:
    return {key: (each - START).total_seconds() for key, each in moments.items()}


def quick(elastic: int, **fields: object) -> dict[str, object]:
    """Workers that leave at once when they are taken back."""
    return worker(essential=0, elastic=elastic, shrink={"grace": 0}, **fields)


def test_work_is_shared_by_all_instances_of_a_gang() -> None:
    there = world()
    there.submit(execution(10, service(essential=4)), Work(200))

    there.run_until()

    assert seconds(there.started) == {10: 10}
    assert seconds(there.ended) == {10: 60}


def test_who_comes_later_waits_until_there_is_room() -> None:
    there = world()
    there.submit(execution(1, service(essential=3)), Work(300))
    there.submit(execution(2, service(essential=2)), Work(20))

    there.run_until()

    assert seconds(there.started) == {1: 1, 2: 101}
    assert seconds(there.ended) == {1: 101, 2: 111}


def test_elastic_instances_come_when_there_is_room_and_speed_it_up() -> None:
    there = world()
    there.submit(execution(1, service(essential=2)), Work(200))
    there.submit(execution(2, service(), worker(essential=0, elastic=3)), Work(500))

    there.run_until()

    # Until 101 s it has done 99 s on two, then the rest on four.
    assert seconds(there.ended) == {1: 101, 2: pytest.approx(101 + (500 - 2 * 99) / 4)}


def test_what_is_taken_back_works_no_more_and_returns_later() -> None:
    there = world()
    there.submit(execution(1, service(), quick(3)), Work(400))
    there.submit(execution(11, service(essential=2)), Work(40))

    there.run_until()

    # Four until 11 s, two until 31 s, then four again for the remaining 320 instance-seconds.
    assert seconds(there.started) == {1: 1, 11: 11}
    assert seconds(there.ended) == {11: 31, 1: 31 + (400 - 40 - 40) / 4}


def test_what_came_again_leaves_no_trace_of_what_was_taken_back() -> None:
    there = world()
    there.submit(execution(1, service(), quick(3)), Work(10_000))
    for number in range(2, 12):
        there.submit(
            execution(number, service(essential=2), submitted_at=after(50 * number)), Work(40)
        )

    there.run_until(after(1000))

    attempts = {each.id.name: each.id.attempt for each in there.snapshot.instances_of(1)}
    assert len(there.snapshot.instances[1]) == len(attempts) == 4
    assert attempts["main-0"] == 1
    assert max(attempts.values()) > 5


def test_it_takes_the_grace_of_a_service_until_there_is_room() -> None:
    there = world()
    polite = worker(essential=0, elastic=3, shrink={"grace": 7})
    there.submit(execution(1, service(), polite), Work(10_000))
    there.submit(execution(11, service(essential=2)), Work(40))

    there.run_until(after(20))

    assert seconds(there.started) == {1: 1, 11: 18}


def test_time_alone_may_make_instances_free_to_leave() -> None:
    there = world()
    there.submit(execution(1, service(), quick(3, min_hold=60)), Work(10_000))
    there.submit(execution(11, service(essential=2)), Work(40))

    there.run_until(after(100))

    assert seconds(there.started)[11] == 61


def test_an_end_by_the_runtime_limit_comes_before_the_work_is_done() -> None:
    there = world()
    there.submit(execution(1, limit=30), Work(100))
    there.submit(execution(2, limit=30))

    there.run_until()

    assert seconds(there.ended) == {1: 31, 2: 32}


def test_indivisible_work_takes_its_time_on_any_number_of_instances() -> None:
    there = world()
    there.submit(execution(1, service(essential=4)), Work(50, divisible=False))

    there.run_until()

    assert seconds(there.ended) == {1: 51}


def test_instances_may_take_time_to_start() -> None:
    there = world(start_delay=5)
    there.submit(execution(1, service(essential=4)), Work(40))
    there.submit(execution(2, limit=10))

    there.run_until()

    assert seconds(there.started) == {1: 6, 2: 21}
    assert seconds(there.ended) == {1: 16, 2: 31}


def test_a_delay_beyond_the_deadline_of_a_start_is_refused() -> None:
    with pytest.raises(ValueError, match="start_delay is 300 s"):
        world(start_delay=300)


def test_all_that_happens_at_one_moment_is_one_step() -> None:
    there = world()
    for number in range(3):
        there.submit(execution(number, submitted_at=after(1)), Work(10))

    steps = 0
    while there.step():
        steps += 1

    assert steps == 3  # the first look, all come, all end


def test_it_goes_on_from_what_runs_already() -> None:
    running = execution(1, service(essential=2), status="running", started_at=START)
    coming = execution(2, service(), status="starting", starting_since=START)
    waiting = execution(3, service(essential=4), status="queued")
    there = world(
        snapshot(
            node(memory=4),
            [running, coming, waiting],
            [
                instance(1),
                instance(1, index=1),
                instance(2, observed=Observed.NONE),
            ],
        )
    )
    there.expect(1, Work(60))
    there.expect(2, Work(30))
    there.expect(3, Work(8))

    there.run_until()

    assert seconds(there.started) == {1: 0, 2: 0, 3: 30}
    assert seconds(there.ended) == {1: 30, 2: 30, 3: 32}


def test_what_was_leaving_at_first_goes() -> None:
    old = execution(1, service(), quick(3), status="running", started_at=START)
    leaving = instance(1, "worker", desired=Desired.ABSENT, essential=False, memory=3)
    there = world(snapshot(node(memory=4), [old], [instance(1), leaving]))

    there.run_until(after(0))

    assert all(each.gone for each in there.snapshot.instances_of(1) if each.id == leaving.id)


def test_what_is_used_is_what_running_instances_reserve() -> None:
    there = world()
    there.submit(execution(1, service(essential=3), limit=10))

    there.run_until(after(5))
    assert there.used.cores == 3
    there.run_until()
    assert there.used.cores == 0


def test_the_use_of_the_past_is_counted_as_time_passes() -> None:
    there = world()
    there.submit(execution(1, service(cores=2), user="ann", limit=3600))
    there.submit(execution(2, submitted_at=after(3601), limit=10))

    there.run_until()

    past = there.snapshot.past
    assert past.at is not None
    assert past.by_user["ann"][1] > 0.9 * 2000 * 3600


def test_all_work_is_done_exactly_whoever_took_from_whom() -> None:
    """What is done is the use of cores over time: each instance has one."""
    there = world()
    work = {}
    for number in range(1, 60):
        parts = (service(essential=number % 3 + 1), quick(number % 4 + 1))
        work[number] = 1000.0 + 137 * number
        there.submit(
            execution(number, *parts, submitted_at=after(400 * number)), Work(work[number])
        )
    done, before = 0.0, there.now
    cores = 0.0
    while there.step():
        done += cores * (there.now - before).total_seconds()
        before, cores = there.now, there.used.cores

    assert there.ended.keys() == work.keys()
    assert done == pytest.approx(sum(work.values()), abs=1e-3)
    assert not there.snapshot.executions
