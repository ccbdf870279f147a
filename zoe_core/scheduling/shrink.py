"""Taking back: which elastic instances leave, so that what heads the queue finds room."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta

from zoe_core.cluster import Desired, ExecutionView, InstanceId, InstanceView, Observed, Snapshot
from zoe_core.scheduling.gang import Unplaced
from zoe_core.scheduling.placement import Misfit, Placement, Room, place_gang
from zoe_core.zapp import Service

_THERE = frozenset({Observed.CREATING, Observed.RUNNING})


def takeable(
    order: Sequence[ExecutionView], snapshot: Snapshot, now: datetime
) -> tuple[list[InstanceView], datetime | None]:
    """Elastic instances of these executions that may be taken back, the first to go first.

    The last execution of ``order`` gives first, of its instances the newest. Also: when the next
    one will have been held for its ``min_hold``, if there is one.
    """
    free: list[InstanceView] = []
    held: list[datetime] = []
    for execution in reversed(order):
        services = {service.dns_label: service for service in execution.zapp.services}
        mine = [
            each
            for each in snapshot.instances_of(execution.id)
            if _is_there(each) and returnable(services[each.id.service], each)
        ]
        for each in sorted(mine, key=_age, reverse=True):
            until = _held_until(services[each.id.service], each)
            if until is None or until <= now:
                free.append(each)
            else:
                held.append(until)
    return free, min(held, default=None)


def returnable(service: Service, instance: InstanceView) -> bool:
    """Whether it may ever be taken back."""
    return service.shrink.allowed and not instance.essential


def lendable(service: Service) -> bool:
    """Whether its elastic instances may be taken back at any time."""
    return service.shrink.allowed and not service.min_hold


def make_room(
    wanted: Sequence[Unplaced],
    snapshot: Snapshot,
    room: Room,
    placement: Placement,
    candidates: Sequence[InstanceView],
) -> tuple[InstanceId, ...] | None:
    """What to take back so that ``wanted`` fits as a whole once all that leaves is gone.

    Nothing when what leaves already is enough; None when even all ``candidates`` are not. Takes as
    few of them as will do, from the first on, and then spares those that are not in the way.
    """
    later = room.without(each for each in snapshot.all_instances() if each.leaving)

    def placed(given: Sequence[InstanceView]) -> tuple[InstanceView, ...] | Misfit:
        return place_gang(wanted, later.without(given), placement)

    def fits(given: Sequence[InstanceView]) -> bool:
        return not isinstance(placed(given), Misfit)

    if fits(()):
        return ()
    if not fits(candidates):
        return None
    counts = range(len(candidates) + 1)
    given = candidates[: bisect_left(counts, True, key=lambda count: fits(candidates[:count]))]
    places = placed(given)
    assert not isinstance(places, Misfit)
    fewer = _in_the_way(places, later.without(given), given)
    # Placements are greedy: with less to choose from they may fail where there would be a way.
    return tuple(each.id for each in (fewer if fits(fewer) else given))


def _in_the_way(
    places: Sequence[InstanceView], room: Room, given: Sequence[InstanceView]
) -> list[InstanceView]:
    """Those of ``given``, whose room ``room`` counts as free, that ``places`` cannot do without."""
    for each in places:
        room.take(each.node, each.reservation)
    used = {each.node for each in places}
    taken = []
    for each in reversed([each for each in given if each.node in used]):
        if each.reservation.fits_in(room.free(each.node)):
            room.take(each.node, each.reservation)
        else:
            taken.append(each)
    return taken[::-1]


def _is_there(instance: InstanceView) -> bool:
    """Not while its start is under way unseen: it might turn up after its room was given away."""
    return instance.desired is Desired.PRESENT and instance.observed in _THERE


def _age(instance: InstanceView) -> tuple[bool, float, InstanceId]:
    """Grows as instances get younger; the youngest have not started yet."""
    started = instance.started_at
    return started is None, 0.0 if started is None else started.timestamp(), instance.id


def _held_until(service: Service, instance: InstanceView) -> datetime | None:
    if instance.started_at is None or not service.min_hold:
        return None
    return instance.started_at + timedelta(seconds=service.min_hold)
