"""The decision, case by case."""

from dataclasses import replace
from datetime import datetime

import pytest

from tests.support.builders import (
    START,
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
from zoe_core.cluster import Desired, Node, Observed
from zoe_core.scheduling import Blocker, Scheduler, SchedulingSettings, decide
from zoe_core.scheduling.decision.backfill import BACKFILL_DEPTH
from zoe_core.scheduling.settings import MAX_OVERTAKE


def test_nothing_to_do() -> None:
    assert not plan(snapshot(node())).gangs


def test_first_come_first_served_by_submission_then_id() -> None:
    early = execution(3)
    tied = [execution(1, submitted_at=early.submitted_at), execution(2)]
    late = execution(4)
    made = plan(snapshot(node(), [late, early, *tied]))
    assert started(made) == [2, 1, 3, 4]


def test_a_gang_starts_whole_or_not_at_all() -> None:
    gang = execution(1, service(), worker(essential=3, memory=2))
    assert started(plan(snapshot(node(memory=7), gang))) == [1]
    refused = plan(snapshot(node(memory=6), gang))
    assert (refused.gangs, refused.grown) == ((), ())
    verdict = refused.verdicts[1]
    assert (verdict.blocker, verdict.position) == (Blocker.TOO_LARGE, 1)
    # Each of the four alone would fit; together they do not.
    assert (verdict.gang, verdict.needs, verdict.free) == (4, amount(7, 4), amount(6, 8))


def test_the_first_that_does_not_fit_holds_back_the_rest_once_overtaken_often_enough() -> None:
    queue = [
        execution(1),
        execution(2, service(memory=8), overtaken=MAX_OVERTAKE),
        execution(3),
        execution(4),
    ]
    made = plan(snapshot(node(memory=8), queue))
    assert started(made) == [1]
    assert {key: each.blocker for key, each in made.verdicts.items()} == {
        2: Blocker.NO_ROOM,
        3: Blocker.WOULD_DELAY,
        4: Blocker.WOULD_DELAY,
    }
    assert [made.verdicts[each].position for each in (2, 3, 4)] == [1, 2, 3]


def test_who_could_never_start_here_holds_back_nobody() -> None:
    queue = [
        execution(1, service(memory=9)),
        execution(2, service(image="unknown")),
        execution(3),
    ]
    made = plan(snapshot(node(memory=8, images=frozenset({"test"})), queue))
    assert started(made) == [3]
    assert {key: each.blocker for key, each in made.verdicts.items()} == {
        1: Blocker.TOO_LARGE,
        2: Blocker.NO_NODE,
    }


def test_a_service_that_has_no_more_room_does_not_keep_others_from_growing() -> None:
    elastic = [
        service("large", essential=0, elastic=900, memory=5, monitor=False),
        worker(elastic=2, essential=0),
    ]
    running = execution(1, service(), *elastic, status="running")
    made = plan(snapshot(node(memory=4), running, instance(1)))
    assert list(places(made.grown)) == ["1/worker-0#1", "1/worker-1#1"]


@pytest.mark.parametrize(("losses", "comes_again"), [(9, True), (10, False)])
def test_an_elastic_instance_that_is_lost_again_and_again_is_done_without(
    losses: int, comes_again: bool
) -> None:
    running = execution(1, service(), worker(essential=0, elastic=1), status="running")
    lost = {"observed": Observed.LOST, "started_at": START, "essential": False}
    taken_back = instance(1, "worker", attempt=1, **lost | {"desired": Desired.ABSENT})
    there = [instance(1, "worker", attempt=each, **lost) for each in range(2, losses + 2)]
    made = plan(snapshot(node(), running, [instance(1), taken_back, *there]))
    assert [each.id.attempt for each in made.grown] == ([losses + 2] if comes_again else [])


def test_what_a_gang_that_failed_to_fit_took_is_given_back() -> None:
    running = execution(1, service(elastic=4, memory=2), status="running")
    gang = execution(2, service(essential=5, memory=2))
    made = plan(snapshot(node(memory=10), [running, gang], instance(1, memory=2)))
    assert started(made) == []
    assert len(made.grown) == 4


def test_on_hold_is_passed_over() -> None:
    made = plan(snapshot(node(), [execution(1, on_hold=True), execution(2)]))
    assert started(made) == [2]
    assert (made.verdicts[1].blocker, made.verdicts[1].position) == (Blocker.ON_HOLD, 1)


def test_what_still_leaves_is_passed_over() -> None:
    leaving = instance(1, desired=Desired.ABSENT)
    made = plan(snapshot(node(), [execution(1), execution(2)], leaving))
    assert started(made) == [2]
    assert made.verdicts[1].blocker is Blocker.LEAVING


def test_of_equally_free_nodes_the_first_by_name_is_told() -> None:
    small = [node(name, memory=1) for name in ("b", "a", "c")]
    assert plan(snapshot(small, execution(1, service(memory=2)))).verdicts[1].node == "a"


@pytest.mark.parametrize("status", ["starting", "running", "cleaning_up", "submitted"])
def test_only_the_queued_start(status: str) -> None:
    made = plan(snapshot(node(), execution(1, status=status)))
    assert (made.gangs, made.waiting) == ((), ())


# --- elastic instances ---


def test_gangs_go_before_elastic_instances() -> None:
    queue = [execution(1, service(elastic=7)), execution(2, service(memory=4, cores=4))]
    made = plan(snapshot(node(memory=8), queue))
    assert started(made) == [1, 2]
    assert [each.id.index for each in made.grown] == [1, 2, 3]
    assert not any(each.essential for each in made.grown)


def test_what_runs_grows_when_there_is_room() -> None:
    running = execution(1, service(), worker(essential=1, elastic=3), status="running")
    there = [instance(1), instance(1, "worker"), instance(1, "worker", 2, essential=False)]
    made = plan(snapshot(node(memory=4), running, there))
    assert places(made.grown) == {"1/worker-1#1": "node-0"}


@pytest.mark.parametrize(
    ("status", "fields"),
    [("queued", {"on_hold": True}), ("cleaning_up", {}), ("running", {"terminate": "enough"})],
)
def test_what_waits_or_ends_does_not_grow(status: str, fields: dict) -> None:
    made = plan(snapshot(node(), execution(1, service(elastic=2), status=status, **fields)))
    assert made.grown == ()


@pytest.mark.parametrize(
    ("desired", "observed", "started_at", "comes_again"),
    [
        (Desired.PRESENT, Observed.RUNNING, START, False),
        (Desired.PRESENT, Observed.NONE, None, False),
        (Desired.PRESENT, Observed.LOST, START, True),
        (Desired.PRESENT, Observed.LOST, None, False),  # it could not be started
        (Desired.PRESENT, Observed.EXITED, START, False),  # it has done its work
        (Desired.ABSENT, Observed.RUNNING, START, False),  # it still leaves
        (Desired.ABSENT, Observed.EXITED, START, True),  # it was taken down
        (Desired.ABSENT, Observed.LOST, None, True),
        (Desired.ABSENT, Observed.NONE, None, False),  # its start may be under way
    ],
)
def test_an_elastic_instance_comes_again(
    desired: Desired, observed: Observed, started_at: datetime | None, comes_again: bool
) -> None:
    running = execution(1, service(), worker(essential=0, elastic=1), status="running")
    facts = {"desired": desired, "observed": observed, "started_at": started_at}
    there = [instance(1), instance(1, "worker", essential=False, attempt=2, **facts)]
    made = plan(snapshot(node(), running, there))
    assert places(made.grown) == ({"1/worker-0#3": "node-0"} if comes_again else {})


def test_room_goes_to_the_oldest_first() -> None:
    both = [
        execution(each, service(), worker(essential=0, elastic=2), status="running")
        for each in (2, 1)
    ]
    made = plan(snapshot(node(memory=5), both, [instance(1), instance(2)]))
    assert list(places(made.grown)) == ["1/worker-0#1", "1/worker-1#1", "2/worker-0#1"]


# --- placement ---


def test_instances_spread_over_the_nodes() -> None:
    nodes = [node(f"node-{number}") for number in range(3)]
    made = plan(snapshot(nodes, execution(1, service(essential=6))))
    (gang,) = made.gangs
    assert list(places(gang.instances).values()) == [f"node-{number % 3}" for number in range(6)]


def test_the_freest_node_is_chosen_by_memory_then_cores_then_name() -> None:
    nodes = [node("c", 4, 2), node("b", 4, 4), node("a", 4, 4), node("d", 2, 9)]
    made = plan(snapshot(nodes, execution(1)))
    assert places(made.gangs[0].instances) == {"1/main-0#1": "a"}


ELSEWHERE = node("node-1", 1, 1)


@pytest.mark.parametrize(
    "unfit",
    [
        node(memory=1),
        node(cores=1),
        node(images=frozenset({"other"})),
        node(draining=True),
        node(online=False),
    ],
)
def test_a_node_that_does_not_do(unfit: Node) -> None:
    wanted = execution(1, service(memory=2, cores=2))
    made = plan(snapshot([unfit, ELSEWHERE], wanted))
    assert made.verdicts[1].blocker is Blocker.TOO_LARGE
    assert started(plan(snapshot([unfit, node("node-2")], wanted))) == [1]


@pytest.mark.parametrize(
    "unfit", [node(images=frozenset({"other"})), node(draining=True), node(online=False)]
)
def test_no_node_takes_the_image_at_all(unfit: Node) -> None:
    verdict = plan(snapshot(unfit, execution(1))).verdicts[1]
    assert (verdict.blocker, verdict.image, verdict.instance) == (
        Blocker.NO_NODE,
        "test",
        "main-0",
    )
    assert plan(snapshot((), execution(1))).verdicts[1].blocker is Blocker.NO_NODE


def test_gpus_are_counted() -> None:
    wanted = service()
    wanted["resources"]["gpus"] = 1
    assert plan(snapshot(node(), execution(1, wanted))).verdicts[1].blocker is Blocker.TOO_LARGE


def test_a_draining_node_keeps_what_runs_there_and_its_room() -> None:
    nodes = [node(draining=True), node("node-1", memory=1)]
    made = plan(snapshot(nodes, [execution(1, status="running"), execution(2)], instance(1)))
    assert places(made.gangs[0].instances) == {"2/main-0#1": "node-1"}


def test_a_node_that_is_short_of_room_takes_nothing() -> None:
    short = node(memory=2)
    picture = snapshot(short, [execution(1, status="running"), execution(2)], instance(memory=4))
    assert plan(picture).verdicts[2].free == amount(0, 7)


def test_a_gpu_that_got_lost_in_use_keeps_nobody_away_who_needs_none() -> None:
    box = replace(node(), devices=())
    held = replace(instance(1), devices=("0",), reservation=replace(amount(1, 1), gpus=1))
    live = [execution(1, service(gpus=1), status="running"), execution(2), execution(3)]
    made = plan(snapshot(box, live, held))
    assert started(made) == [2, 3]
    grows = execution(4, service(), worker(essential=0, elastic=2), status="running")
    made = plan(snapshot(box, [live[0], grows], [held, instance(4)]))
    assert len(made.grown) == 2


# --- too many that are too large ---


def test_a_pass_finds_no_more_than_so_many_too_large_and_goes_on_soon() -> None:
    """Each has two services that would fit alone, and differs from the others."""
    large = [
        execution(number, service(memory=5 + number / 1000), worker(memory=5))
        for number in range(1, 2 * BACKFILL_DEPTH + 1)
    ]
    small = execution(500)
    site = SchedulingSettings()
    machines = [node(memory=9), node("node-1", memory=2)]
    scheduler = Scheduler(snapshot(machines, [*large, small]), site)
    tried = []
    for seconds in range(3):
        made = scheduler.decide(after(seconds))
        blockers = [each.blocker for each in made.verdicts.values()]
        tried.append(blockers.count(Blocker.TOO_LARGE))
        assert bool(made.review_at == after(seconds + 1)) == (not started(made))
    assert tried == [BACKFILL_DEPTH, 2 * BACKFILL_DEPTH, 2 * BACKFILL_DEPTH]
    assert started(made) == [500]
    other = snapshot([node(memory=10)], [*large, small])
    scheduler.update(other, ())
    assert scheduler.decide(after(9)) == decide(other, site, after(9)), "other nodes, other sizes"


# --- attempts, order of services ---


def test_attempts_count_on_for_each_instance() -> None:
    gone = [
        instance(1, attempt=1, desired=Desired.ABSENT, observed=Observed.EXITED),
        instance(1, attempt=2, desired=Desired.ABSENT, observed=Observed.LOST),
        instance(1, "worker", attempt=1, desired=Desired.ABSENT, observed=Observed.LOST),
    ]
    again = execution(1, service(), worker(essential=2))
    (gang,) = plan(snapshot(node(), again, gone)).gangs
    assert list(places(gang.instances)) == ["1/main-0#3", "1/worker-0#2", "1/worker-1#1"]


def test_services_are_placed_by_startup_order() -> None:
    services = [worker(startup_order=2), service(startup_order=1), service("first")]
    (gang,) = plan(snapshot(node(), execution(1, *services))).gangs
    assert [each.id.service for each in gang.instances] == ["first", "main", "worker"]


def test_instances_carry_what_the_service_says() -> None:
    mixed = execution(1, service(memory=2, cores=0.5), worker(essential=1, elastic=1))
    made = plan(snapshot(node(), mixed))
    main, first = made.gangs[0].instances
    (second,) = made.grown
    assert (main.monitor, main.essential, main.reservation) == (True, True, amount(2, 0.5))
    assert (first.monitor, first.essential, second.essential) == (False, True, False)
    assert main.desired is Desired.PRESENT
    assert main.observed is Observed.NONE
