"""Who counts in the order, and who gives back to whom by it."""

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


@pytest.mark.parametrize("policy", [Size(), Hrrn(), Fair()])
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


def test_with_fifo_all_give() -> None:
    waiting = execution(2, service(memory=2), expected_seconds=10 * HOUR)
    assert len(planned(Fifo(), waiting, elastic(1, 4, seconds=400)).taken) == 2


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
