"""What holds for every decision, on generated clusters."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import DEFAULTS, execution, plan, snapshot, started, zapp
from tests.zoe_core.scheduling.strategies import nodes, overdrawn, services, snapshots
from zoe_core.cluster import Desired, ExecutionStatus, InstanceView, Node, Snapshot
from zoe_core.scheduling import Blocker, Plan, could_ever_fit, explain

quick = settings(max_examples=60, deadline=None)


def placed_by(made: Plan) -> list[InstanceView]:
    """All that a plan starts."""
    return [each for gang in made.gangs for each in gang.instances] + [*made.restarted, *made.grown]


def with_plan(picture: Snapshot, made: Plan) -> Snapshot:
    """The picture after the plan was taken."""
    kept = [
        replace(each, desired=Desired.ABSENT) if each.id in made.taken else each
        for each in picture.all_instances()
    ]
    return snapshot(picture.nodes.values(), picture.executions.values(), [*kept, *placed_by(made)])


@quick
@given(snapshots())
def test_every_queued_execution_starts_or_is_told_why_not(picture: Snapshot) -> None:
    made = plan(picture)
    queued = {
        each.id for each in picture.executions.values() if each.status is ExecutionStatus.QUEUED
    }
    assert set(made.waiting) == set(made.verdicts)
    assert set(started(made)).isdisjoint(made.verdicts)
    assert {*started(made), *made.verdicts} == queued
    waiting = list(made.waiting)
    for position, execution_id in enumerate(waiting, start=1):
        explanation = explain(made, execution_id)
        assert explanation is not None
        assert (explanation.position, list(explanation.ahead)) == (
            position,
            waiting[: position - 1],
        )
        assert all(explanation.reasons)


@quick
@given(snapshots())
def test_nothing_is_placed_where_there_is_no_room(picture: Snapshot) -> None:
    made = plan(picture)
    after = with_plan(picture, made)
    assert overdrawn(after.free()) <= overdrawn(picture.free())
    untouched = overdrawn(picture.free())
    placed = placed_by(made)
    assert not untouched & {each.node for each in placed}
    for each in placed:
        zapp = picture.executions[each.id.execution_id].zapp
        (image,) = {one.image for one in zapp.services if one.dns_label == each.id.service}
        assert picture.nodes[each.node].accepts(image)


@quick
@given(snapshots())
def test_gangs_are_whole_and_identities_new(picture: Snapshot) -> None:
    made = plan(picture)
    for gang in made.gangs:
        wanted = {
            (each.dns_label, index)
            for each in picture.executions[gang.execution_id].zapp.services
            for index in range(each.essential_count)
        }
        assert {(each.id.service, each.id.index) for each in gang.instances} == wanted
        assert all(each.essential for each in gang.instances)
    new = placed_by(made)
    assert len({each.id for each in new}) == len(new)
    assert {each.id for each in new}.isdisjoint(each.id for each in picture.all_instances())
    assert all(each.desired is Desired.PRESENT for each in new)


@quick
@given(snapshots(), st.randoms(use_true_random=False))
def test_equal_input_gives_an_equal_plan(picture: Snapshot, order: random.Random) -> None:
    parts = [
        list(picture.nodes.values()),
        list(picture.executions.values()),
        list(picture.all_instances()),
    ]
    for part in parts:
        order.shuffle(part)
    again = Snapshot.of(*parts)
    first, second = plan(picture), plan(again)
    assert first == second
    assert first.waiting == second.waiting


@quick
@given(snapshots())
def test_after_a_plan_was_taken_there_is_nothing_more_to_plan(picture: Snapshot) -> None:
    made = plan(picture)
    live = [
        replace(each, status=ExecutionStatus.STARTING) if each.id in started(made) else each
        for each in picture.executions.values()
    ]
    after = with_plan(picture, made)
    again = plan(snapshot(after.nodes.values(), live, after.all_instances()))
    assert (again.restarted, again.gangs, again.grown, again.taken) == ((), (), (), ())


@quick
@given(snapshots())
def test_only_elastic_instances_of_what_is_up_are_taken(picture: Snapshot) -> None:
    for each in plan(picture).taken:
        view = picture.instances[each.execution_id][each]
        assert not view.essential
        assert view.desired is Desired.PRESENT
        assert picture.executions[each.execution_id].status in (
            ExecutionStatus.STARTING,
            ExecutionStatus.RUNNING,
        )


@quick
@given(snapshots())
def test_who_room_is_made_for_starts_when_what_leaves_is_gone(picture: Snapshot) -> None:
    made = plan(picture)
    heads = [key for key, each in made.verdicts.items() if each.blocker is Blocker.MAKING_ROOM]
    # Those that leave now may stand before it in the queue.
    away = {key for key, each in made.verdicts.items() if each.blocker is Blocker.LEAVING}
    live = [
        replace(each, status=ExecutionStatus.STARTING) if each.id in started(made) else each
        for each in picture.executions.values()
        if each.id not in away
    ]
    there = [
        each
        for each in with_plan(picture, made).all_instances()
        if not each.leaving and each.id.execution_id not in away
    ]
    later = plan(snapshot(picture.nodes.values(), live, there))
    assert len(heads) <= 1
    assert set(heads) <= set(started(later))
    if made.taken:
        assert made.grown == ()
        blockers = {each.blocker for each in made.verdicts.values()}
        assert heads or not blockers & {Blocker.BEHIND, Blocker.NO_ROOM}


@quick
@given(services(), nodes(ready=True).filter(bool))
def test_what_is_admitted_starts_on_an_empty_cluster(
    parts: list[dict], machines: list[Node]
) -> None:
    fits = not could_ever_fit(zapp(*parts), machines, DEFAULTS)
    starts = bool(started(plan(snapshot(machines, execution(1, *parts)))))
    if fits:
        assert starts
    elif starts:
        # Only an elastic service that no node could ever start is refused all the same.
        problems = could_ever_fit(zapp(*parts), machines, DEFAULTS)
        assert {each.field for each in problems} == {"services[1].image"}
        assert parts[1]["essential_count"] == 0
