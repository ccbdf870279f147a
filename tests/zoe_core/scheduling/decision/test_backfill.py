"""Who may start before the head of the queue, case by case. Times are in seconds after START."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.builders import (
    START,
    after,
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
from zoe_core.cluster import (
    ExecutionStatus,
    ExecutionView,
    InstanceView,
    Observed,
    Quota,
    Quotas,
)
from zoe_core.scheduling import Blocker, explain
from zoe_core.scheduling.decision.backfill import BACKFILL_DEPTH
from zoe_core.scheduling.decision.ends import SLACK
from zoe_core.scheduling.plan import Outlook

HEAD, PASSER = 5, 6
HOUR = 3600


def runs(number: int, memory: float, **fields: Any) -> ExecutionView:
    """One that has run since START."""
    parts = service(memory=memory)
    return execution(number, parts, status="running", started_at=START, **fields)


def place(view: ExecutionView, where: str = "node-0") -> InstanceView:
    """The instance of one that runs."""
    (its,) = view.zapp.services
    return instance(view.id, node=where, memory=its.resources.memory.min / 2**30)


def passes(passer: ExecutionView, *, ends: float, seconds: float = 0, **settings: Any) -> bool:
    """Whether it starts before the head, which needs 6 GB when 6 of 10 are held, 4 of them for
    good: a textbook example of EASY backfilling (Mu'alem and Feitelson, 2001)."""
    live = [runs(1, 4), runs(2, 2, limit=ends), execution(HEAD, service(memory=6)), passer]
    there = [place(each) for each in live[:2]]
    made = plan(snapshot(node(memory=10, cores=99), live, there), seconds, **settings)
    assert HEAD in made.waiting
    return PASSER in started(made)


@pytest.mark.parametrize(
    ("memory", "fields", "does"),
    [
        (4, {"limit": 100}, True),  # it ends just in time
        (4, {"limit": 101}, False),
        (4, {}, False),
        (4, {"limit": HOUR, "expected_seconds": 100}, True),
        (5, {"limit": 10}, False),  # there is no room
    ],
)
def test_who_probably_ends_before_the_head_can_start_passes(
    memory: float, fields: dict[str, Any], does: bool
) -> None:
    assert passes(execution(PASSER, service(memory=memory), **fields), ends=100) is does


def test_who_ends_in_time_for_sure_passes_uncounted() -> None:
    """Even if its gang takes as long to be whole as it may, and its instances to end."""
    just = execution(PASSER, service(memory=4), limit=HOUR - SLACK)
    late = execution(PASSER, service(memory=4), limit=HOUR - SLACK + 1)
    assert passes(just, ends=HOUR, max_overtake=0)
    assert not passes(late, ends=HOUR, max_overtake=0)
    assert passes(late, ends=HOUR, max_overtake=1)


def test_the_time_that_has_passed_counts() -> None:
    short = execution(PASSER, service(memory=4), limit=60)
    assert passes(short, seconds=40, ends=100)
    assert not passes(short, seconds=41, ends=100)


def test_who_only_probably_ends_in_time_passes_as_often_as_is_allowed() -> None:
    hopeful = execution(PASSER, service(memory=4), expected_seconds=50)
    assert passes(hopeful, ends=100, max_overtake=1)
    assert not passes(hopeful, ends=100, max_overtake=0)


def test_who_fits_beside_the_places_of_the_head_passes_whatever_its_run_time() -> None:
    beside = execution(PASSER, service(memory=1))
    live = [runs(1, 6, limit=100), execution(HEAD, service(memory=7)), beside]
    made = plan(snapshot(node(), live, place(live[0])), max_overtake=0)
    assert started(made) == [PASSER]
    assert made.overtaken == {}


def test_on_another_node_than_the_head_waits_for_there_is_no_hurry() -> None:
    live = [runs(1, 6, limit=100), execution(HEAD, service(memory=8)), execution(PASSER)]
    made = plan(snapshot([node(), node("node-1", memory=2)], live, place(live[0])), max_overtake=0)
    assert places(made.gangs[0].instances) == {f"{PASSER}/main-0#1": "node-1"}


# --- when nobody knows when the head can start ---


def unknown(passers: int, overtaken: int = 0) -> list[ExecutionView]:
    """One runs without limit, the head needs all, and others could start."""
    passing = [execution(PASSER + each) for each in range(passers)]
    return [runs(1, 2), execution(HEAD, service(memory=8), overtaken=overtaken), *passing]


def test_overtaking_is_counted_and_comes_to_an_end() -> None:
    live = unknown(6, overtaken=1)
    made = plan(snapshot(node(), live, place(live[0])), max_overtake=4)
    assert started(made) == [PASSER, PASSER + 1, PASSER + 2]
    assert made.overtaken == {HEAD: 4}
    told = explain(made, PASSER + 3)
    assert told is not None
    assert told.reasons == (
        "There is room for it, but execution 5, which comes first, has been overtaken 4 times: "
        "now only what surely does not delay it starts.",
    )


def test_the_count_is_of_the_head_alone() -> None:
    live = unknown(1, overtaken=4)
    live[0] = replace(live[0], overtaken=9)
    made = plan(snapshot(node(), live, place(live[0])), max_overtake=4)
    assert (started(made), made.overtaken) == ([], {})


@pytest.mark.parametrize("limit", [None, 300])
def test_what_has_overrun_its_estimate_ends_at_its_limit_if_it_has_one(limit: int | None) -> None:
    over = runs(1, 6, expected_seconds=50, limit=limit)
    live = [over, execution(HEAD, service(memory=8))]
    made = plan(snapshot(node(), live, place(over)), 60)
    at = None if limit is None else after(300)
    assert made.verdicts[HEAD].outlook == Outlook(at, last=1, by_limit=limit is not None)


# --- what is told of the head ---


@pytest.mark.parametrize(
    ("fields", "promise"),
    [
        (
            {"limit": 720},
            "It starts at the latest when execution 1 has ended, in about 12 min, by its limit.",
        ),
        (
            {"limit": 9000, "expected_seconds": 720},
            "It probably starts when execution 1 has ended, in about 12 min.",
        ),
        (
            {"expected_seconds": 0.5},
            "It starts when execution 1 has ended, which has run longer than was expected.",
        ),
        ({}, "When there will be room is not known: too little of what stays is known to end."),
    ],
)
def test_the_head_is_told_what_has_to_end(fields: dict[str, Any], promise: str) -> None:
    live = [runs(1, 6, **fields), execution(HEAD, service(memory=2, essential=3))]
    made = plan(snapshot(node(), live, place(live[0])), 1)
    told = explain(made, HEAD, now=after(1))
    assert told is not None
    assert told.reasons == (
        "Its 3 essential instances start together and need 6 GB, 3 cores in all; "
        "2 GB, 7 cores are free.",
        promise,
    )


def test_several_that_fit_nowhere_are_told_as_a_product() -> None:
    live = [runs(1, 6), execution(HEAD, service(memory=2.5, essential=3))]
    made = plan(snapshot(node(), live, place(live[0])))
    told = explain(made, HEAD)
    assert told is not None
    assert told.reasons[0] == (
        "main needs 3 × (2.5 GB, 1 core); node-0 comes closest, but has only 2 GB free."
    )


def test_who_would_delay_the_head_is_told_so() -> None:
    live = [runs(1, 6, limit=100), execution(HEAD, service(memory=8)), execution(PASSER)]
    told = explain(plan(snapshot(node(), live, place(live[0]))), PASSER)
    assert told is not None
    assert told.reasons == (
        "There is room for it, but it would delay execution 5, which comes before it.",
    )


def test_elastic_instances_of_others_are_counted_on_when_they_may_be_taken_back() -> None:
    grown = execution(
        1,
        service(memory=1),
        worker(essential=0, elastic=1, memory=4, min_hold=60),
        status="running",
    )
    there = [instance(1), instance(1, "worker", essential=False, memory=4)]
    made = plan(snapshot(node(), [grown, execution(HEAD, service(memory=7))], there))
    assert made.taken == ()
    assert made.verdicts[HEAD].outlook == Outlook(after(60), None, by_limit=False)
    assert made.review_at == after(60)


# --- depth ---


def test_a_pass_tries_no_more_than_so_many_in_vain() -> None:
    """Each has two services that would fit alone, and differs from the others."""
    tried = [
        execution(PASSER + each, service(memory=3.01 + each / 1000), worker(memory=3))
        for each in range(BACKFILL_DEPTH + 3)
    ]
    live = [runs(1, 4), execution(HEAD, service(memory=8)), *tried]
    nodes = [node(memory=8), node("node-1", memory=2), node("node-2", memory=2)]
    made = plan(snapshot(nodes, live, place(live[0])))
    assert started(made) == []
    told = [made.verdicts[each.id].blocker for each in tried]
    assert told == [Blocker.NO_ROOM] * BACKFILL_DEPTH + [Blocker.NOT_TRIED] * 3
    explanation = explain(made, tried[-1].id)
    assert explanation is not None
    assert explanation.reasons == (
        "It was not tried this time: many before it were, and found no room.",
    )


def test_room_in_pieces_is_told_as_such() -> None:
    nodes = [node("a", memory=10), node("b", memory=10)]
    live = [runs(1, 4), runs(2, 4), execution(3, service(essential=3, memory=4))]
    told = explain(plan(snapshot(nodes, live, [place(live[0], "a"), place(live[1], "b")])), 3)
    assert told is not None
    assert told.reasons[0] == (
        "main needs 3 × (4 GB, 1 core); beside the rest of its gang there is room for 2 of them: "
        "enough is free in all, but in pieces, or on nodes that do not do for it."
    )


# --- quotas ---

ONE = Quotas(default=Quota(executions=1))


def test_who_is_over_quota_is_passed_over() -> None:
    live = [
        runs(1, 1),
        execution(2),
        execution(3, user="bob"),
        execution(4, user="bob"),
        execution(5, user="carol"),
    ]
    picture = replace(snapshot(node(), live, place(live[0])), quotas=ONE)
    made = plan(picture)
    assert started(made) == [3, 5]
    told = explain(made, 2)
    assert told is not None
    assert told.reasons == ("Your quota is 1 execution at a time, and you have 1 now.",)
    assert made.verdicts[4].blocker is Blocker.QUOTA


@pytest.mark.parametrize(
    ("quota", "sentence"),
    [
        (Quota(memory=4 * 2**30), "is 4 GB: you hold 3 GB, and this one needs 2 GB."),
        (Quota(millicores=1500), "is 1.5 cores: you hold 1 core, and this one needs 1 core."),
        (
            Quota(memory=2**30),
            "is 1 GB, and this one alone needs 2 GB: it waits until the quota is raised.",
        ),
    ],
)
def test_what_is_limited_is_told(quota: Quota, sentence: str) -> None:
    live = [runs(1, 3), execution(2, service(memory=2))]
    picture = replace(snapshot(node(), live, place(live[0])), quotas=Quotas(default=quota))
    told = explain(plan(picture), 2)
    assert told is not None
    assert told.reasons == (f"Your quota {sentence}",)


def test_growth_stops_at_the_quota() -> None:
    live = [execution(1, service(), worker(essential=0, elastic=5), status="running")]
    quota = Quotas(default=Quota(memory=3 * 2**30))
    made = plan(replace(snapshot(node(), live, instance(1)), quotas=quota))
    assert list(places(made.grown)) == ["1/worker-0#1", "1/worker-1#1"]


def test_a_restart_counts_before_the_queue_is_looked_at() -> None:
    again = {"policy": "on-failure", "count": 2}
    live = [
        execution(1, service(), worker(restart=again), status="running"),
        execution(2, service(memory=2)),
    ]
    failed = instance(1, "worker", observed=Observed.EXITED, exit_code=1)
    quota = Quotas(default=Quota(memory=3 * 2**30))
    made = plan(replace(snapshot(node(), live, [instance(1), failed]), quotas=quota))
    assert list(places(made.restarted)) == ["1/worker-0#2"]
    assert made.verdicts[2].blocker is Blocker.QUOTA


def test_a_quota_holds_for_all_of_a_user_whatever_the_groups_of_each() -> None:
    queue = [execution(1), execution(2, groups=("x",)), execution(3)]
    quota = Quotas(groups={"x": Quota(executions=1)})
    made = plan(replace(snapshot(node(), queue), quotas=quota))
    assert started(made) == [1, 3]
    assert made.verdicts[2].blocker is Blocker.QUOTA


def test_who_is_over_a_lowered_quota_may_still_have_what_it_does_not_limit() -> None:
    live = [execution(1, service(), worker(essential=0, elastic=2), status="running")]
    quota = Quotas(default=Quota(executions=0, gpus=0))
    made = plan(replace(snapshot(node(), live, instance(1)), quotas=quota))
    assert len(made.grown) == 2


def test_what_starts_has_no_end_that_could_be_promised() -> None:
    """Its limit counts from when it is whole."""
    begun = replace(runs(1, 6, limit=100), status=ExecutionStatus.STARTING, started_at=None)
    live = [begun, execution(HEAD, service(memory=8))]
    made = plan(snapshot(node(), live, place(begun)), 10)
    assert made.verdicts[HEAD].outlook == Outlook(after(110), last=1, by_limit=False)


def test_an_end_is_promised_only_if_no_end_before_it_is_a_guess() -> None:
    live = [
        runs(1, 4, expected_seconds=100),
        runs(2, 4, limit=200),
        execution(HEAD, service(memory=8)),
    ]
    made = plan(snapshot(node(), live, [place(each) for each in live[:2]]))
    assert made.verdicts[HEAD].outlook == Outlook(after(200), last=2, by_limit=False)


def test_a_quota_on_run_times_counts_as_a_limit() -> None:
    live = [runs(1, 6, user="bob"), execution(HEAD, service(memory=8))]
    quota = Quotas(users={"bob": Quota(runtime_limit=100)})
    made = plan(replace(snapshot(node(), live, place(live[0])), quotas=quota))
    assert made.verdicts[HEAD].outlook == Outlook(after(100), last=1, by_limit=True)
