"""What holds for every decision, on generated clusters."""

import random
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import DEFAULTS, after, execution, plan, snapshot, started, zapp
from tests.zoe_core.scheduling.strategies import (
    free_in,
    has_room,
    nodes,
    room_in,
    services,
    site_settings,
    snapshots,
)
from zoe_core.cluster import Desired, ExecutionStatus, ExecutionView, InstanceView, Node, Snapshot
from zoe_core.scheduling import (
    Blocker,
    Plan,
    SchedulingSettings,
    could_ever_fit,
    decide,
    explain,
)
from zoe_core.scheduling.gang import essential_demand, replacements
from zoe_core.scheduling.nodes.room import Misfit
from zoe_core.scheduling.placement import Spread

STARTING, RUNNING = ExecutionStatus.STARTING, ExecutionStatus.RUNNING
NOW = after(60)
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
    live = [_after_plan(each, made) for each in picture.executions.values()]
    after_it = Snapshot.of(picture.nodes.values(), live, [*kept, *placed_by(made)])
    return replace(after_it, quotas=picture.quotas, past=picture.past)


def _after_plan(view: ExecutionView, made: Plan) -> ExecutionView:
    counted = replace(view, overtaken=made.overtaken.get(view.id, view.overtaken))
    if view.id not in started(made):
        return counted
    return replace(counted, status=ExecutionStatus.STARTING, starting_since=NOW)


def decided(picture: Snapshot, site: SchedulingSettings) -> Plan:
    """The plan of a site, a minute after what runs has started."""
    return decide(picture, site, NOW)


@quick
@given(snapshots(), site_settings())
def test_every_queued_execution_starts_or_is_told_why_not(
    picture: Snapshot, site: SchedulingSettings
) -> None:
    made = decided(picture, site)
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
@given(snapshots(), site_settings())
def test_nothing_is_placed_where_there_is_no_room(
    picture: Snapshot, site: SchedulingSettings
) -> None:
    made = decided(picture, site)
    later = with_plan(picture, made)
    free = free_in(later)
    for each in placed_by(made):
        assert has_room(free[each.node], each.reservation)
        zapp = picture.executions[each.id.execution_id].zapp
        (its,) = (one for one in zapp.services if one.dns_label == each.id.service)
        where = picture.nodes[each.node]
        assert where.accepts(its.image)
        assert where.labels.issuperset(its.labels)
    assert not any(picture.nodes[each.node].pressured for each in made.grown)


@quick
@given(snapshots(), site_settings())
def test_a_gpu_is_given_to_one_instance_only(picture: Snapshot, site: SchedulingSettings) -> None:
    made = decided(picture, site)
    for each in placed_by(made):
        assert len(each.devices) == each.reservation.gpus
        assert set(each.devices) <= set(picture.nodes[each.node].devices)
    there = [each for each in with_plan(picture, made).all_instances() if each.holds_reservation]
    given_away = [(each.node, one) for each in there if each.node != "gone" for one in each.devices]
    assert len(set(given_away)) == len(given_away)


@quick
@given(snapshots(), site_settings())
def test_nobody_is_given_more_than_the_quota(picture: Snapshot, site: SchedulingSettings) -> None:
    """Counted as it is given: executions of one user may have different groups, and so quotas.

    Instances that failed start again all the same: their execution runs already.
    """
    made = decided(picture, site)
    held: Counter[tuple[str, str]] = Counter()
    for each in (*picture.all_instances(), *made.restarted):
        if each.holds_reservation:
            held += _counted(picture, each)
    for view in picture.executions.values():
        held[view.user, "executions"] += view.status in (STARTING, RUNNING)
    for gang in made.gangs:
        more = Counter({(picture.executions[gang.execution_id].user, "executions"): 1})
        for each in gang.instances:
            more += _counted(picture, each)
        held += more
        _within_quota(picture, gang.execution_id, held, more)
    for each in made.grown:
        more = _counted(picture, each)
        held += more
        _within_quota(picture, each.id.execution_id, held, more)


def _counted(picture: Snapshot, each: InstanceView) -> Counter[tuple[str, str]]:
    """What its user holds by it."""
    user, amount = picture.executions[each.id.execution_id].user, each.reservation
    numbers = {"memory": amount.memory, "millicores": amount.millicores, "gpus": amount.gpus}
    return Counter({(user, name): number for name, number in numbers.items()})


def _within_quota(
    picture: Snapshot,
    execution_id: int,
    held: Counter[tuple[str, str]],
    more: Counter[tuple[str, str]],
) -> None:
    """Of what it was given now no more is held than it may."""
    view = picture.executions[execution_id]
    quota = picture.quotas.of(view.user, view.groups)
    for user, name in +more:
        limit = getattr(quota, name)
        assert limit is None or held[user, name] <= limit


@quick
@given(snapshots(), site_settings())
def test_what_is_told_agrees_with_the_plan(picture: Snapshot, site: SchedulingSettings) -> None:
    made = decided(picture, site)
    left = room_in(with_plan(picture, replace(made, taken=())))
    for execution_id, verdict in made.verdicts.items():
        view = picture.executions[execution_id]
        demand = essential_demand(view.zapp, site.defaults)
        fits = not isinstance(left.copy().place_gang(demand, site.placement), Misfit)
        alone = not isinstance(left.empty().place_gang(demand, site.placement), Misfit)
        match verdict.blocker:
            case Blocker.WOULD_DELAY | Blocker.RESTART:
                assert fits
                assert verdict.of in made.waiting or verdict.blocker is Blocker.RESTART
            case Blocker.NO_ROOM:
                assert alone
                assert not fits
                assert not verdict.needs.fits_in(verdict.free)
            case Blocker.TOO_LARGE | Blocker.NO_NODE:
                assert not alone
            case Blocker.QUOTA:
                assert verdict.held + verdict.asked > verdict.allowed
            case Blocker.MAKING_ROOM:
                assert alone
            case plain:
                assert plain in (Blocker.ON_HOLD, Blocker.LEAVING)


@quick
@given(snapshots(), site_settings())
def test_what_failed_restarts_or_is_told_why_not(
    picture: Snapshot, site: SchedulingSettings
) -> None:
    made = decided(picture, site)
    again = {each.id for each in made.restarted}
    left = room_in(with_plan(picture, replace(made, taken=())))
    waiting = {}
    for view in picture.executions.values():
        if view.status in (STARTING, RUNNING):
            there = tuple(picture.instances_of(view.id))
            failed = replacements(view, there, site.defaults)
            if not {each.id for each in failed} <= again:
                waiting[view.id] = [each for each in failed if each.id not in again]
    assert set(made.lacking) == set(waiting)
    for execution_id, verdict in made.lacking.items():
        told = explain(made, execution_id)
        assert told is not None
        assert all(told.reasons)
        assert (told.position, told.ahead) == (0, ())
        if verdict.blocker is Blocker.RESTART:
            assert any(left.fits(each.need) for each in waiting[execution_id])
            assert verdict.of in waiting
        elif verdict.blocker is not Blocker.MAKING_ROOM:
            assert verdict.instance in {each.id.name for each in waiting[execution_id]}


@quick
@given(snapshots(), site_settings())
def test_gangs_are_whole_and_identities_new(picture: Snapshot, site: SchedulingSettings) -> None:
    made = decided(picture, site)
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
@given(snapshots(), site_settings(), st.randoms(use_true_random=False))
def test_equal_input_gives_an_equal_plan(
    picture: Snapshot, site: SchedulingSettings, order: random.Random
) -> None:
    parts = [
        list(picture.nodes.values()),
        list(picture.executions.values()),
        list(picture.all_instances()),
    ]
    for part in parts:
        order.shuffle(part)
    again = replace(Snapshot.of(*parts), quotas=picture.quotas, past=picture.past)
    first, second = decided(picture, site), decided(again, site)
    assert first == second
    assert first.waiting == second.waiting


@quick
@given(snapshots(), site_settings())
def test_after_a_plan_was_taken_there_is_nothing_more_to_plan(
    picture: Snapshot, site: SchedulingSettings
) -> None:
    made = decided(picture, site)
    again = decided(with_plan(picture, made), site)
    assert (again.restarted, again.gangs, again.grown, again.taken) == ((), (), (), ())


@quick
@given(snapshots(), site_settings())
def test_only_elastic_instances_of_what_is_up_are_taken(
    picture: Snapshot, site: SchedulingSettings
) -> None:
    for each in decided(picture, site).taken:
        view = picture.instances[each.execution_id][each]
        assert not view.essential
        assert view.desired is Desired.PRESENT
        assert picture.executions[each.execution_id].status in (
            ExecutionStatus.STARTING,
            ExecutionStatus.RUNNING,
        )


@quick
@given(snapshots(), site_settings())
def test_who_room_is_made_for_starts_when_what_leaves_is_gone(
    picture: Snapshot, site: SchedulingSettings
) -> None:
    made = decided(picture, site)
    heads = [key for key, each in made.verdicts.items() if each.blocker is Blocker.MAKING_ROOM]
    # Those that leave now may stand before it in the queue.
    away = {key for key, each in made.verdicts.items() if each.blocker is Blocker.LEAVING}
    left = with_plan(picture, made)
    live = [each for each in left.executions.values() if each.id not in away]
    there = [
        each
        for each in left.all_instances()
        if not each.leaving and each.id.execution_id not in away
    ]
    later = replace(
        Snapshot.of(left.nodes.values(), live, there), quotas=left.quotas, past=left.past
    )
    assert len(heads) <= 1
    assert set(heads) <= set(started(decided(later, site)))


@quick
@given(services(), nodes(ready=True).filter(bool))
def test_what_is_admitted_starts_on_an_empty_cluster(
    parts: list[dict], machines: list[Node]
) -> None:
    problems = could_ever_fit(zapp(*parts), machines, DEFAULTS, [Spread()])
    starts = bool(started(plan(snapshot(machines, execution(1, *parts)))))
    if not problems:
        assert starts
    elif starts:
        # Only an elastic service that no node could ever start is refused all the same.
        assert {each.field for each in problems} <= {"services[1].image", "services[1].labels"}
        assert parts[1]["essential_count"] == 0
