"""Workloads from what ran here."""

from datetime import datetime

from tests.support.builders import after
from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol.rest import Execution, Instance, Resources
from zoe_core.simulation import Component, Work, from_history

GB = 2**30


def instance(
    name: str, begin: float, end: float | None, *, essential: bool = True, cores: float = 1
) -> Instance:
    return Instance(
        name=name,
        service=name.rpartition("-")[0],
        status="exited",
        node="node-0",
        attempt=1,
        essential=essential,
        started_at=after(begin),
        ended_at=None if end is None else after(end),
        resources=Resources(memory=GB, cores=cores),
    )


def execution(
    number: int,
    started: datetime | None,
    ended: datetime | None,
    *instances: Instance,
    status: ExecutionStatus = ExecutionStatus.TERMINATED,
    server_name: str | None = None,
) -> Execution:
    return Execution(
        id=number,
        name="test",
        zapp="spark-job",
        user="ann",
        status=status,
        submitted_at=after(number),
        started_at=started,
        ended_at=ended,
        server_name=server_name,
        url="/",
        instances=instances,
    )


def test_the_work_is_the_time_that_instances_ran() -> None:
    ran = execution(
        7,
        after(10),
        after(110),
        instance("main-0", 8, 110),
        instance("worker-0", 30, 70, essential=False, cores=2),
        instance("worker-1", 60, None, essential=False, cores=2),
    )

    (job,) = from_history([ran]).jobs

    assert job.components == (
        Component(Amount(GB, 1000), 1),
        Component(Amount(GB, 2000), 0, 2),
    )
    assert job.work.amount == 100 + 40 + 50
    assert job.estimate == 100
    assert job.submitted == 0


def test_they_come_as_they_came() -> None:
    later = execution(30, after(40), after(50), instance("main-0", 40, 50))
    first = execution(20, after(40), after(50), instance("main-0", 40, 50))

    assert [(each.id, each.submitted) for each in from_history([later, first]).jobs] == [
        (20, 0),
        (30, 10),
    ]


def test_a_person_at_a_notebook_takes_the_same_time_whatever_runs() -> None:
    begun, ended = after(10), after(110)
    parts = instance("main-0", 10, 110), instance("worker-0", 30, 70, essential=False)
    (job,) = from_history([execution(7, begun, ended, *parts, server_name="")]).jobs

    assert job.work == Work(100, divisible=False)


def test_what_ended_in_error_has_held_its_room_too() -> None:
    ran = execution(
        7, after(10), after(110), instance("main-0", 10, 110), status=ExecutionStatus.ERROR
    )

    assert from_history([ran]).jobs[0].work.amount == 100


def test_of_one_that_comes_twice_the_last_counts() -> None:
    early = execution(7, after(10), None, instance("main-0", 10, None))
    late = execution(7, after(10), after(110), instance("main-0", 10, 110))
    history = from_history([early, late])

    assert [each.id for each in history.jobs] == [7]
    assert history.skipped == {}


def test_what_says_nothing_about_work_is_left_out_and_counted() -> None:
    history = from_history(
        [
            execution(1, None, after(5)),
            execution(2, after(5), None, instance("main-0", 5, None)),
            execution(3, after(5), after(6)),
        ]
    )

    assert history.jobs == ()
    assert history.skipped == {"did_not_run": 2, "without_instances": 1}
