"""The decision: essential gangs in the policy's order, then elastic instances with what is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionStatus, ExecutionView, InstanceView, Snapshot
from zoe_core.scheduling.gang import (
    Unplaced,
    elastic_instances,
    essential_instances,
    newest_attempts,
)
from zoe_core.scheduling.placement import Misfit, Placement, Room, place_gang
from zoe_core.scheduling.plan import Blocker, Gang, Plan, Verdict
from zoe_core.scheduling.policies import Policy
from zoe_core.zapp import SiteDefaults

_GROWING = frozenset({ExecutionStatus.STARTING, ExecutionStatus.RUNNING})


def decide(
    snapshot: Snapshot,
    policy: Policy,
    placement: Placement,
    defaults: SiteDefaults,
    now: datetime,
) -> Plan:
    """Plan what starts now. Equal input gives an equal plan.

    The first request that does not fit holds back all behind it, so that nobody is overtaken for
    ever; requests on hold, still leaving after a failed start, or too large for the nodes that
    are here now, are passed over.
    """
    room = Room.of(snapshot)
    order = policy.order(_queued(snapshot), now)
    gangs, verdicts = _place_gangs(order, snapshot, room, placement, defaults)
    started = {gang.execution_id: gang.instances for gang in gangs}
    grown = _place_elastic(
        policy.order(_growing(snapshot, started), now),
        snapshot,
        started,
        room,
        placement,
        defaults,
    )
    return Plan(tuple(gangs), tuple(grown), tuple(verdicts), verdicts)


def _queued(snapshot: Snapshot) -> list[ExecutionView]:
    return [each for each in snapshot.executions.values() if each.status is ExecutionStatus.QUEUED]


def _growing(
    snapshot: Snapshot, started: dict[int, tuple[InstanceView, ...]]
) -> list[ExecutionView]:
    """Executions that may use elastic instances: those that run, and those that start now."""
    return [
        each
        for each in snapshot.executions.values()
        if each.id in started or (each.status in _GROWING and each.terminate is None)
    ]


def _place_gangs(
    order: Sequence[ExecutionView],
    snapshot: Snapshot,
    room: Room,
    placement: Placement,
    defaults: SiteDefaults,
) -> tuple[list[Gang], dict[int, Verdict]]:
    gangs: list[Gang] = []
    verdicts: dict[int, Verdict] = {}
    blocked = False
    for execution in order:
        position = len(verdicts) + 1
        existing = list(snapshot.instances_of(execution.id))
        if execution.on_hold:
            verdicts[execution.id] = Verdict(Blocker.ON_HOLD, position)
        elif any(not each.gone for each in existing):
            verdicts[execution.id] = Verdict(Blocker.LEAVING, position)
        elif blocked:
            verdicts[execution.id] = Verdict(Blocker.BEHIND, position)
        else:
            wanted = essential_instances(
                execution.id, execution.zapp, newest_attempts(existing), defaults
            )
            placed = place_gang(wanted, room, placement)
            if not isinstance(placed, Misfit):
                gangs.append(Gang(execution.id, placed))
                continue
            # Only who could start one day holds back the others.
            blocked = not isinstance(place_gang(wanted, Room.empty(snapshot), placement), Misfit)
            verdicts[execution.id] = _verdict(placed, wanted, position, could_fit=blocked)
    return gangs, verdicts


def _verdict(
    misfit: Misfit, wanted: Sequence[Unplaced], position: int, *, could_fit: bool
) -> Verdict:
    first = misfit.unplaced
    if not misfit.offers:
        return Verdict(Blocker.NO_NODE, position, first.id.name, first.image, first.amount)
    blocker = Blocker.NO_ROOM if could_fit else Blocker.TOO_LARGE
    if not misfit.alone:
        needs = sum((each.amount for each in wanted), Amount())
        free = sum(misfit.offers.values(), Amount())
        return Verdict(blocker, position, first.id.name, first.image, needs, free, gang=len(wanted))
    node, free = min(
        misfit.offers.items(),
        key=lambda offer: (-offer[1].memory, -offer[1].millicores, offer[0]),
    )
    return Verdict(blocker, position, first.id.name, first.image, first.amount, free, node)


def _place_elastic(
    order: Sequence[ExecutionView],
    snapshot: Snapshot,
    started: dict[int, tuple[InstanceView, ...]],
    room: Room,
    placement: Placement,
    defaults: SiteDefaults,
) -> list[InstanceView]:
    grown: list[InstanceView] = []
    for execution in order:
        existing = [*snapshot.instances_of(execution.id), *started.get(execution.id, ())]
        full: set[str] = set()  # services of which not even one more instance fits
        for wanted in elastic_instances(execution, existing, defaults):
            if wanted.id.service in full:
                continue
            node = placement.choose(room.offers(wanted.image), wanted.amount)
            if node is None:
                full.add(wanted.id.service)
            else:
                room.take(node, wanted.amount)
                grown.append(wanted.on(node))
    return grown
