"""Who counts in the order, and who gives back to whom by it."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.builders import (
    after,
    execution,
    instance,
    node,
    service,
    snapshot,
    started,
    worker,
)
from zoe_core.cluster import ExecutionView, InstanceView, Observed
from zoe_core.scheduling import Blocker, Plan, SchedulingSettings, decide
from zoe_core.scheduling.policies import Fair, Fifo, Hrrn, Policy, Size

HOUR = 3600.0


def spread_workers(number: int, count: int) -> list[InstanceView]:
    return [
        instance(number),
        *(
            instance(number, "worker", each, essential=False, started_at=after(each))
            for each in range(count)
        ),
    ]


def elastic(number: int, workers: int, *, seconds: float = HOUR) -> ExecutionView:
    return execution(
        number,
        service(),
        worker(essential=0, elastic=workers),
        status="running",
        started_at=after(0),
        expected_seconds=seconds,
    )


def planned(
    policy: Policy, waiting: ExecutionView, running: ExecutionView, *, memory: float = 5
) -> Plan:
    """One runs with four workers, and fills the node; the other waits."""
    there = spread_workers(running.id, 4)
    return decide(
        snapshot(node(memory=memory), [running, waiting], there),
        SchedulingSettings(policy),
        after(100),
    )


@pytest.mark.parametrize("policy", [Size(), Hrrn()])
def test_what_comes_later_in_the_order_gives(policy: Policy) -> None:
    waiting = execution(2, service(memory=2), expected_seconds=60, user="bob")
    assert len(planned(policy, waiting, elastic(1, 4)).taken) == 2


@pytest.mark.parametrize("policy", [Size(), Hrrn()])
def test_what_comes_earlier_gives_nothing(policy: Policy) -> None:
    """And its elastic instances are not counted on before it ends."""
    waiting = execution(2, service(memory=4), expected_seconds=10 * HOUR)
    made = planned(policy, waiting, elastic(1, 4, seconds=150))
    assert made.taken == ()
    verdict = made.verdicts[2]
    assert verdict.blocker is Blocker.NO_ROOM
    assert verdict.outlook is not None
    assert verdict.outlook.at == after(150)


def test_what_has_worked_far_longer_than_expected_gives_after_all() -> None:
    """Ten hours instead of a minute: that it nearly is done nobody believes any more."""
    waiting = execution(2, service(memory=2), expected_seconds=HOUR, submitted_at=after(10 * HOUR))
    there = spread_workers(1, 4)
    made = decide(
        snapshot(node(memory=5), [elastic(1, 4, seconds=60), waiting], there),
        SchedulingSettings(Hrrn()),
        after(10 * HOUR),
    )
    assert len(made.taken) == 2


def held(number: int, memory: float, *, seconds: float | None) -> tuple[ExecutionView, Any]:
    """One that runs since START and holds so much."""
    view = execution(
        number,
        service(memory=memory),
        status="running",
        started_at=after(0),
        expected_seconds=seconds,
    )
    return view, instance(number, memory=memory)


@pytest.mark.parametrize("policy", [Size(), Hrrn()])
def test_what_gives_nothing_grows_only_beside_the_heads_places(policy: Policy) -> None:
    """It comes earlier, and what it gets now it would keep: the head was promised that room."""
    large, its = held(1, 5, seconds=200)
    waiting = execution(3, service(memory=8), expected_seconds=20 * HOUR)
    made = decide(
        snapshot(node(memory=10), [large, elastic(2, 4), waiting], [its, instance(2)]),
        SchedulingSettings(policy),
        after(10),
    )
    verdict = made.verdicts[3]
    assert verdict.outlook is not None
    assert verdict.outlook.at == after(200)
    assert len(made.grown) == 1, "of 4 GB that are free now, the head leaves 1 GB then"


@pytest.mark.parametrize(("promised_at", "grown"), [(1100, 4), (3600, 0)])
def test_what_will_not_give_any_more_at_the_heads_time_gets_nothing_lent(
    promised_at: float, grown: int
) -> None:
    """Its response ratio grows faster than that of the head, and passes it in between."""
    large, its = held(1, 5, seconds=promised_at)
    waiting = execution(3, service(memory=9), expected_seconds=20 * HOUR, submitted_at=after(0))
    view = elastic(2, 8, seconds=2 * HOUR)
    later = replace(view, submitted_at=after(1000), started_at=after(1000))
    made = decide(
        snapshot(node(memory=10), [large, later, waiting], [its, instance(2)]),
        SchedulingSettings(Hrrn()),
        after(1000),
    )
    assert len(made.grown) == grown


@pytest.mark.parametrize("seconds", [100, 1000, 100_000])
def test_an_order_that_changes_with_time_is_looked_at_again(seconds: float) -> None:
    """Nothing that runs is known to end, and what could give comes earlier yet."""
    large, its = held(1, 6, seconds=None)
    view = elastic(2, 3, seconds=60)
    there = [its, *spread_workers(2, 3)]
    waiting = execution(3, service(memory=3), expected_seconds=20 * HOUR)
    picture = snapshot(node(memory=10), [large, view, waiting], there)
    made = decide(picture, SchedulingSettings(Hrrn()), after(seconds))
    assert made.taken or made.review_at is not None
    by_arrival = decide(picture, SchedulingSettings(Fifo()), after(seconds))
    assert by_arrival.taken


def test_nobody_looks_again_where_time_changes_nothing() -> None:
    large, its = held(1, 6, seconds=None)
    waiting = execution(3, service(memory=5))
    picture = snapshot(node(memory=10), [large, waiting], [its])
    assert decide(picture, SchedulingSettings(Fifo()), after(100)).review_at is None
    assert decide(picture, SchedulingSettings(Hrrn()), after(100)).review_at == after(400)


@pytest.mark.parametrize("policy", [Fifo(), Fair()])
def test_without_such_an_order_all_give(policy: Policy) -> None:
    waiting = execution(2, service(memory=2), expected_seconds=10 * HOUR)
    assert len(planned(policy, waiting, elastic(1, 4, seconds=400)).taken) == 2


def test_an_essential_instance_that_starts_again_is_given_to_by_all() -> None:
    again = execution(
        2,
        service(),
        worker(memory=2, restart={"policy": "on-failure", "count": 3}),
        status="running",
        expected_seconds=10 * HOUR,
        started_at=after(0),
    )
    there = [
        *spread_workers(1, 4),
        instance(2),
        instance(2, "worker", memory=2, observed=Observed.EXITED, exit_code=1),
    ]
    made = decide(
        snapshot(node(memory=6), [elastic(1, 4, seconds=400), again], there),
        SchedulingSettings(Size()),
        after(100),
    )
    assert len(made.taken) == 2


def test_what_is_on_hold_does_not_count_in_a_share() -> None:
    live = [
        *(execution(number, on_hold=True) for number in (1, 2, 3)),
        execution(4),
        execution(5, user="bob"),
    ]
    made = decide(snapshot(node(memory=1), live), SchedulingSettings(Fair()), after(10))
    assert [each.execution_id for each in made.gangs] == [4]
    assert made.waiting[0] == 5


def test_low_priority_does_not_count_against_what_the_same_user_wants_first() -> None:
    live = [
        *(execution(number, priority="low") for number in (1, 2, 3)),
        execution(4),
        execution(5, user="bob"),
    ]
    made = decide(snapshot(node(memory=1), live), SchedulingSettings(Fair()), after(10))
    assert started(made) == [4]
