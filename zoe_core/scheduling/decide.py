"""The decision: restarts, then gangs in the policy's order, then elastic instances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionStatus, ExecutionView, InstanceId, InstanceView, Snapshot
from zoe_core.scheduling.gang import (
    Unplaced,
    elastic_instances,
    essential_instances,
    replacements,
)
from zoe_core.scheduling.placement import Misfit, Placement, Room, place_gang
from zoe_core.scheduling.plan import Blocker, Gang, Plan, Verdict
from zoe_core.scheduling.policies import Policy
from zoe_core.scheduling.shrink import lendable, make_room, returnable, takeable
from zoe_core.zapp import SiteDefaults

_UP = frozenset({ExecutionStatus.STARTING, ExecutionStatus.RUNNING})


def decide(
    snapshot: Snapshot,
    policy: Policy,
    placement: Placement,
    defaults: SiteDefaults,
    now: datetime,
) -> Plan:
    """Plan what starts now. Equal input gives an equal plan.

    Essential instances that failed and may start again go first. The first of them, or else the
    first request, that does not fit holds back all behind it, so that nobody is overtaken for ever;
    for it elastic instances are taken back, if that makes room. Requests on hold, still leaving
    after a failed start, or too large for the nodes that are here now, are passed over.
    """
    decision = _Decision(snapshot, policy, placement, defaults, now)
    decision.restart()
    decision.start()
    decision.grow()
    return decision.plan()


class _Growth(Enum):
    """Which elastic instances may be added."""

    ANY = auto()
    LENT = auto()
    """Only those that may be taken back at any time: they delay nobody who waits for room."""
    NONE = auto()
    """None: the room that is free, or will be, is promised."""


class _Decision:
    """A decision under way: what has its place so far, and the room that is left."""

    def __init__(
        self,
        snapshot: Snapshot,
        policy: Policy,
        placement: Placement,
        defaults: SiteDefaults,
        now: datetime,
    ) -> None:
        self._snapshot = snapshot
        self._policy = policy
        self._placement = placement
        self._defaults = defaults
        self._now = now
        self._room = Room.of(snapshot)
        self._up = policy.order(_up(snapshot), now)
        self._growth = _Growth.ANY
        self._behind: Verdict | None = None  # on all that come after what holds them back
        self._taken: tuple[InstanceId, ...] = ()
        self._review_at: datetime | None = None
        self._gangs: list[Gang] = []
        self._restarted: list[InstanceView] = []
        self._grown: list[InstanceView] = []
        self._verdicts: dict[int, Verdict] = {}

    def plan(self) -> Plan:
        """What was decided."""
        return Plan(
            gangs=tuple(self._gangs),
            restarted=tuple(self._restarted),
            grown=tuple(self._grown),
            taken=self._taken,
            waiting=tuple(self._verdicts),
            verdicts=self._verdicts,
            review_at=self._review_at,
        )

    # --- essential instances that failed ---

    def restart(self) -> None:
        """Give new places to essential instances that failed."""
        for execution, wanted in self._failed():
            placed = place_gang([wanted], self._room, self._placement)
            if not isinstance(placed, Misfit):
                self._restarted += placed
            elif self._could_restart(execution, wanted):
                self._behind = self._behind or replace(
                    _verdict(placed, [wanted], Blocker.NO_ROOM),
                    blocker=Blocker.RESTART,
                    of=execution.id,
                )
                if self._make_room([wanted]):
                    break  # the room that is made is for this one alone
        if self._behind is not None:
            self._growth = _Growth.NONE

    def _failed(self) -> Iterator[tuple[ExecutionView, Unplaced]]:
        for execution in self._up:
            existing = list(self._snapshot.instances_of(execution.id))
            for wanted in replacements(execution, existing, self._defaults):
                yield execution, wanted

    def _could_restart(self, execution: ExecutionView, wanted: Unplaced) -> bool:
        """Whether it would fit if nothing ran but what stays of its own execution."""
        services = {service.dns_label: service for service in execution.zapp.services}
        stay = [
            each
            for each in self._snapshot.instances_of(execution.id)
            if each.holds_reservation
            and not each.leaving
            and not returnable(services[each.id.service], each)
        ]
        stay += (each for each in self._restarted if each.id.execution_id == execution.id)
        room = Room.beside(self._snapshot, stay)
        return not isinstance(place_gang([wanted], room, self._placement), Misfit)

    # --- gangs ---

    def start(self) -> None:
        """Give places to the gangs of the queue, whole ones or none."""
        for execution in self._policy.order(_queued(self._snapshot), self._now):
            existing = list(self._snapshot.instances_of(execution.id))
            if execution.on_hold:
                self._wait(execution, Verdict(Blocker.ON_HOLD))
            elif any(not each.gone for each in existing):
                self._wait(execution, Verdict(Blocker.LEAVING))
            elif self._behind is not None:
                self._wait(execution, self._behind)
            else:
                self._start(execution, existing)

    def _start(self, execution: ExecutionView, existing: Sequence[InstanceView]) -> None:
        wanted = essential_instances(execution.id, execution.zapp, existing, self._defaults)
        placed = place_gang(wanted, self._room, self._placement)
        if not isinstance(placed, Misfit):
            self._gangs.append(Gang(execution.id, placed))
            return
        empty = Room.beside(self._snapshot)
        if isinstance(place_gang(wanted, empty, self._placement), Misfit):
            self._wait(execution, _verdict(placed, wanted, Blocker.TOO_LARGE))
            return
        # Only who could start one day holds back the others.
        self._behind = Verdict(Blocker.BEHIND)
        making = self._make_room(wanted)
        self._wait(
            execution,
            Verdict(Blocker.MAKING_ROOM) if making else _verdict(placed, wanted, Blocker.NO_ROOM),
        )

    def _wait(self, execution: ExecutionView, verdict: Verdict) -> None:
        self._verdicts[execution.id] = replace(verdict, position=len(self._verdicts) + 1)

    def _make_room(self, wanted: Sequence[Unplaced]) -> bool:
        """For the head of the queue; True when there will be room by what leaves."""
        candidates, next_one = takeable(self._up, self._snapshot, self._now)
        taken = make_room(wanted, self._snapshot, self._room, self._placement, candidates)
        if taken is None:
            self._growth, self._review_at = _Growth.LENT, next_one
            return False
        self._growth, self._review_at, self._taken = _Growth.NONE, None, taken
        return True

    # --- elastic instances ---

    def grow(self) -> None:
        """Give what is left to elastic instances, of what is up and of what starts now."""
        if self._growth is _Growth.NONE:
            return
        started = {gang.execution_id: gang.instances for gang in self._gangs}
        starting = [self._snapshot.executions[each] for each in started]
        for execution in self._policy.order([*self._up, *starting], self._now):
            there = [*self._snapshot.instances_of(execution.id), *started.get(execution.id, ())]
            self._grow(execution, there)

    def _grow(self, execution: ExecutionView, there: Sequence[InstanceView]) -> None:
        full = {  # services of which not even one more instance fits
            service.dns_label
            for service in execution.zapp.services
            if self._growth is _Growth.LENT and not lendable(service)
        }
        for wanted in elastic_instances(execution, there, self._defaults):
            if wanted.id.service in full:
                continue
            node = self._placement.choose(self._room.offers(wanted.image), wanted.amount)
            if node is None:
                full.add(wanted.id.service)
            else:
                self._room.take(node, wanted.amount)
                self._grown.append(wanted.on(node))


def _queued(snapshot: Snapshot) -> list[ExecutionView]:
    return [each for each in snapshot.executions.values() if each.status is ExecutionStatus.QUEUED]


def _up(snapshot: Snapshot) -> list[ExecutionView]:
    """Executions that go on: they may be added to, and give back."""
    return [
        each
        for each in snapshot.executions.values()
        if each.status in _UP and each.terminate is None
    ]


def _verdict(misfit: Misfit, wanted: Sequence[Unplaced], blocker: Blocker) -> Verdict:
    first = misfit.unplaced
    name, image = first.id.name, first.image
    if not misfit.offers:
        return Verdict(Blocker.NO_NODE, instance=name, image=image, needs=first.amount)
    if not misfit.alone:
        needs = sum((each.amount for each in wanted), Amount())
        free = sum(misfit.offers.values(), Amount())
        return Verdict(
            blocker, instance=name, image=image, needs=needs, free=free, gang=len(wanted)
        )
    node, free = min(
        misfit.offers.items(),
        key=lambda offer: (-offer[1].memory, -offer[1].millicores, offer[0]),
    )
    return Verdict(blocker, instance=name, image=image, needs=first.amount, free=free, node=node)
