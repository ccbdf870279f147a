"""Estimates against what then really happens, and what they say when nobody can tell."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import (
    START,
    after,
    execution,
    instance,
    node,
    service,
    snapshot,
    worker,
    zapp,
)
from zoe_core.cluster import ExecutionStatus, ExecutionView, Quota, Quotas, Snapshot
from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_core.scheduling.history import KEPT_OF_USER, History
from zoe_core.scheduling.policies import Fifo, Policy, Size
from zoe_core.simulation import Work, World, forward
from zoe_core.simulation import estimate as module
from zoe_core.simulation.estimate import estimate
from zoe_core.simulation.forward import LEAST_LEFT
from zoe_core.waiting import StartEstimate

MANY = KEPT_OF_USER
Runs = dict[int, float]
"""How long each execution really runs, in seconds."""


def job(number: int, *services: dict[str, Any], seconds: float, **fields: Any) -> ExecutionView:
    """An execution of a ZApp of its own, of which it is known how long it runs."""
    mine = zapp(*services, name=f"app{number}")
    return execution(number, zapp=mine, expected_seconds=seconds, **fields)


def known(executions: Iterable[ExecutionView]) -> History:
    """A history in which each of these has always run just as long as it is expected to."""
    history = History()
    for each in executions:
        if each.expected_seconds is not None:
            for _ in range(MANY):
                history.record(each.user, each.zapp.name, each.expected_seconds)
    return history


def told(
    picture: Snapshot,
    history: History,
    *requests: ExecutionView,
    at: float = 0,
    policy: Policy | None = None,
) -> dict[int, StartEstimate]:
    return estimate(
        picture,
        SchedulingSettings(policy=policy or Fifo()),
        StartRules(),
        history,
        after(at),
        requests,
    )


def world_of(jobs: Iterable[ExecutionView], policy: Policy) -> World:
    there = World(
        snapshot([node("node-0", 4, 4), node("node-1", 4, 4)]),
        SchedulingSettings(policy=policy),
        StartRules(),
        START,
    )
    for each in jobs:
        assert each.expected_seconds is not None
        there.submit(each, Work(each.expected_seconds, divisible=False))
    return there


def exact(seconds: float) -> StartEstimate:
    return StartEstimate(seconds, seconds, seconds)


@st.composite
def queues(draw: st.DrawFn) -> list[ExecutionView]:
    """Up to ten jobs, one submitted a second, of 100 to 900 s; some too large for two nodes."""
    return [
        job(
            number,
            service(essential=draw(st.integers(1, 3)), memory=draw(st.sampled_from([1, 2, 3]))),
            worker(essential=0, elastic=draw(st.integers(1, 3)), shrink={"grace": 0}),
            seconds=100 * draw(st.integers(1, 9)),
            user=draw(st.sampled_from(["alice", "bob"])),
        )
        for number in range(1, draw(st.integers(1, 10)) + 1)
    ]


@settings(deadline=None, max_examples=40)
@given(queues(), st.sampled_from([Fifo(), Size()]), st.integers(0, 15))
def test_with_exact_run_times_it_happens_as_foretold(
    jobs: list[ExecutionView], policy: Policy, hundreds: int
) -> None:
    """50 s past a hundred nothing is about to end.

    An order that changes with time alone is looked at again from time to time only, but anew by who
    asks: there it holds nearly.
    """
    there, now = world_of(jobs, policy), 100 * hundreds + 50
    there.run_until(after(now))
    found = told(there.snapshot, known(jobs), at=now, policy=policy)
    waiting = {each.id for each in jobs} - there.started.keys()
    there.run_until()
    assert found == {
        each: exact((there.started[each] - after(now)).total_seconds())
        if each in there.started
        else StartEstimate()
        for each in waiting
    }


@settings(deadline=None, max_examples=40)
@given(queues(), st.integers(0, 15), st.integers(1, 9))
def test_a_request_is_told_what_would_happen_if_it_came_alone(
    jobs: list[ExecutionView], hundreds: int, size: int
) -> None:
    there, now = world_of(jobs, Fifo()), 100 * hundreds + 50
    there.run_until(after(now))
    requests = [
        job(number, service(essential=count), seconds=100, submitted_at=after(now))
        for number, count in ((101, 8), (102, size))
    ]
    found = told(there.snapshot, known([*jobs, *requests]), *requests, at=now)
    assert found.keys() == {101, 102}

    there.submit(requests[1], Work(100, divisible=False))
    there.run_until()
    assert found[102] == (
        exact((there.started[102] - after(now)).total_seconds()) if size < 9 else StartEstimate()
    )


# One node of 4 GB, on which execution 1 holds 3 since START.
RUNNING = execution(
    1, status="running", started_at=START, zapp=zapp(service(essential=3), name="app")
)
BUSY = [instance(1, index=index) for index in range(3)]
FOUR = [execution(2, service(essential=4))]


def busy(*waiting: ExecutionView, nodes: int = 1) -> Snapshot:
    return snapshot([node(f"node-{each}", 4) for each in range(nodes)], [RUNNING, *waiting], BUSY)


def history_of(*seconds: float) -> History:
    past = History()
    for each in seconds:
        past.record("alice", "app", each)
    return past


def test_the_range_is_that_of_the_run_times() -> None:
    past = history_of(*range(100, 2000, 100))  # of 19 runs, the 2nd, 10th and 18th
    (start,) = told(busy(*FOUR), past).values()
    assert (start.low, start.mid, start.high) == pytest.approx((200, 1000, 1800))


def test_what_has_run_for_a_while_has_only_the_rest_before_it() -> None:
    past = history_of(*[100] * 10, *[1000] * 20)  # it has outlived the short ones
    (start,) = told(busy(*FOUR), past, at=400).values()
    assert start == exact(600)


def test_what_is_overdue_is_expected_to_end_at_any_time() -> None:
    (start,) = told(busy(*FOUR), history_of(*[100] * MANY), at=400).values()
    assert (start.low, start.mid, start.high) == (LEAST_LEFT, LEAST_LEFT, 400)


def test_without_any_history_the_runtime_limit_is_the_latest() -> None:
    limited = execution(
        1,
        status="running",
        started_at=START,
        zapp=zapp(service(essential=3), runtime_limit=500),
    )
    picture = snapshot(node("node-0", 4), [limited, *FOUR], BUSY)
    (start,) = told(picture, History(), at=100).values()
    assert (start.low, start.mid, start.high) == (LEAST_LEFT, 400, 400)


def test_who_waits_for_what_nobody_can_foretell_is_told_so() -> None:
    assert told(busy(*FOUR), History()) == {2: StartEstimate(blockers=(1,))}


def test_what_nobody_can_foretell_does_not_matter_where_there_is_room() -> None:
    assert told(busy(*FOUR, nodes=2), History()) == {2: exact(0)}


def test_what_is_on_hold_or_too_large_waits_for_nobody() -> None:
    held = execution(3, on_hold=True)
    giant = execution(4, service(memory=100))
    found = told(busy(held, giant), History())
    assert found == {3: StartEstimate(), 4: StartEstimate()}


def test_who_is_over_quota_waits_for_what_is_hers() -> None:
    """Alice may have one execution at a time; Bob, of whom nobody knows more, is not in her way."""
    other = execution(5, status="running", started_at=START, user="bob")
    picture = snapshot(
        [node("node-0", 4), node("node-1", 4)],
        [RUNNING, other, execution(6)],
        [*BUSY, instance(5, node="node-1")],
    )
    limited = replace(picture, quotas=Quotas(default=Quota(executions=1)))
    assert told(limited, History()) == {6: StartEstimate(blockers=(1,))}


def test_each_request_is_asked_about_by_itself() -> None:
    """4 workers: now; 16 workers: in about 12 min."""
    few, many = (
        execution(number, worker(essential=count, monitor=True), submitted_at=after(0))
        for number, count in ((10, 1), (11, 4))
    )
    found = told(busy(), history_of(*[720] * MANY), few, many)
    assert found == {10: exact(0), 11: exact(720)}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the steps of all worlds."""
    counted: Counter[str] = Counter()
    step = World.step

    def counting(there: World) -> bool:
        counted["steps"] += 1
        return step(there)

    monkeypatch.setattr(World, "step", counting)
    return counted


def thousand() -> tuple[list[ExecutionView], History]:
    """Requests for all of the node, of 100 s each, behind an execution of 100 s."""
    queue = [
        job(number, service(essential=4), seconds=100, submitted_at=START)
        for number in range(2, 1002)
    ]
    past = known(queue)
    for _ in range(MANY):
        past.record("alice", "app", 100)
    return queue, past


def test_the_work_is_bounded(monkeypatch: pytest.MonkeyPatch, steps: Counter[str]) -> None:
    """It looks some ends ahead and then says so."""
    monkeypatch.setattr(module, "QUEUE_STEPS", 60)
    queue, past = thousand()
    found = told(busy(*queue), past)
    assert steps["steps"] <= 60 + 3
    assert found[2] == exact(100)
    assert found[15].mid == pytest.approx(1400, rel=0.05)
    assert found[1001].later_than == pytest.approx(1900, rel=0.1)


def test_requests_share_the_work(monkeypatch: pytest.MonkeyPatch, steps: Counter[str]) -> None:
    """What starts now leaves its part to the others."""
    monkeypatch.setattr(module, "REQUEST_STEPS", 60)
    queue, past = thousand()
    small, large = (
        execution(number, service(essential=count), submitted_at=START)
        for number, count in ((2001, 1), (2002, 4))
    )
    found = told(busy(*queue), past, small, large)
    assert steps["steps"] <= 60 + 4
    assert found[2001] == exact(0)
    assert found[2002].later_than == pytest.approx(1900, rel=0.1)


def test_ends_of_a_long_queue_come_together_and_are_right_on_average() -> None:
    """One after the other, and each shorter than what a coarse world tells apart in the end."""
    queue, past = thousand()
    found = told(busy(*queue), past)
    for number in (2, 11, 101, 1001):
        assert found[number].mid == pytest.approx(100 * (number - 1), rel=0.1)


def test_a_coarse_look_takes_fewer_steps(
    monkeypatch: pytest.MonkeyPatch, steps: Counter[str]
) -> None:
    queue = [
        job(number, service(essential=4), seconds=1000 + 7.3 * (97 * number % 101))
        for number in range(1, 601)
    ]
    waiting = [replace(each, status=ExecutionStatus.QUEUED) for each in queue]
    picture = snapshot([node(f"node-{each}", 4) for each in range(30)], waiting)
    coarse, few = told(picture, known(queue)), steps.pop("steps")
    monkeypatch.setattr(forward, "COARSE_FROM", 10_000)
    exactly = told(picture, known(queue))

    assert few < steps["steps"] / 3
    for number in (100, 300, 600):
        assert coarse[number].mid == pytest.approx(exactly[number].mid, rel=0.1)


def test_what_never_starts_is_told_so_when_the_work_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "QUEUE_STEPS", 60)
    queue, past = thousand()
    giant = execution(2000, service(essential=5))
    greedy = execution(2001, service(memory=2), user="bob")
    held = execution(2002, on_hold=True)
    bobs = {"bob": Quota(memory=2**30)}
    picture = replace(busy(*queue, giant, greedy, held), quotas=Quotas(users=bobs))
    found = told(picture, past)
    assert found[1001].later_than is not None
    for each in (giant, greedy, held):
        assert found[each.id] == StartEstimate()
