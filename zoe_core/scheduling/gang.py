"""The instances that an execution is made of, before they have a place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from zoe_core.amount import Amount
from zoe_core.cluster import Desired, ExecutionView, InstanceId, InstanceView
from zoe_core.scheduling.lifecycle.attempts import (
    Key,
    by_instance,
    may_restart,
    to_restart,
    vanished,
)
from zoe_core.scheduling.nodes.room import Need, Spot
from zoe_core.zapp import Service, SiteDefaults, ZApp

MAX_LOSSES = 10
"""Losses of one elastic instance: what vanishes again and again is not worth another attempt."""

Demand = tuple[tuple[Need, int], ...]
"""What instances that start together ask for: each need once, with how many have it."""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """One instance that wants a place."""

    id: InstanceId
    need: Need
    essential: bool
    monitor: bool

    def on(self, spot: Spot) -> InstanceView:
        """The instance with its place."""
        return InstanceView(
            self.id,
            spot.node,
            self.need.amount,
            self.essential,
            self.monitor,
            devices=spot.devices,
        )


def need_of(service: Service, defaults: SiteDefaults) -> Need:
    """What each instance of a service asks of its node."""
    return Need(service.reservation(defaults), service.image, frozenset(service.labels))


def demand_of(needs: Iterable[tuple[Need, int]]) -> Demand:
    """Needs with their numbers, equal ones put together."""
    counts: dict[Need, int] = {}
    for need, count in needs:
        if count:
            counts[need] = counts.get(need, 0) + count
    return tuple(counts.items())


def essential_demand(zapp: ZApp, defaults: SiteDefaults) -> Demand:
    """What the gang asks for."""
    services = services_in_order(zapp)
    return demand_of((need_of(each, defaults), each.essential_count) for each in services)


def total_of(demand: Demand) -> Amount:
    """What all of them reserve together."""
    return sum((need.amount * count for need, count in demand), Amount())


def whole_of(zapp: ZApp, defaults: SiteDefaults) -> Amount:
    """What all instances that it may have reserve together, the elastic ones too."""
    return sum((each.reservation(defaults) * each.total_count for each in zapp.services), Amount())


def seated(
    wanted: Sequence[Unplaced], demand: Demand, spots: Sequence[Sequence[Spot]]
) -> tuple[InstanceView, ...]:
    """The instances, each on one of the ``spots`` that were found for its need in ``demand``."""
    free = {need: iter(mine) for (need, _), mine in zip(demand, spots, strict=True)}
    return tuple(each.on(next(free[each.need])) for each in wanted)


def services_in_order(zapp: ZApp) -> list[Service]:
    """The services by ``startup_order``; equal ones as they are written."""
    return sorted(zapp.services, key=lambda service: service.startup_order)


def essential_instances(
    execution_id: int,
    zapp: ZApp,
    existing: Collection[InstanceView],
    defaults: SiteDefaults,
) -> list[Unplaced]:
    """The gang: ``essential_count`` instances of each service, as new attempts."""
    attempts = by_instance(existing)
    return [
        each
        for service in services_in_order(zapp)
        for each in _instances(
            execution_id, service, range(service.essential_count), attempts, defaults
        )
    ]


def replacements(
    execution: ExecutionView, existing: Collection[InstanceView], defaults: SiteDefaults
) -> list[Unplaced]:
    """The essential instances that failed and are started again, as new attempts."""
    again = {(each.id.service, each.id.index) for each in to_restart(execution.zapp, existing)}
    if not again:
        return []
    return [
        each
        for each in essential_instances(execution.id, execution.zapp, existing, defaults)
        if (each.id.service, each.id.index) in again
    ]


def elastic_instances(
    execution: ExecutionView, existing: Collection[InstanceView], defaults: SiteDefaults
) -> Iterator[tuple[Service, list[Unplaced]]]:
    """The elastic instances that may still be added, those that come again as new attempts.

    By service, without those services that lack none.
    """
    if not any(service.elastic_count for service in execution.zapp.services):  # as a rule
        return
    attempts = by_instance(existing)
    for service in services_in_order(execution.zapp):
        label = service.dns_label
        indices = [
            index
            for index in range(service.essential_count, service.total_count)
            if _may_come(service, attempts.get((label, index), ()))
        ]
        if indices:
            yield service, list(_instances(execution.id, service, indices, attempts, defaults))


def _may_come(service: Service, attempts: Sequence[InstanceView]) -> bool:
    """Whether an elastic instance may come, now or again.

    One that was taken back comes again, and one that vanished, but not for ever. One that failed
    follows its service's ``restart``. One that finished has done its work; one that could not even
    be started would fail again at once.
    """
    if not attempts:
        return True
    if any(not each.gone for each in attempts):
        return False
    newest = attempts[-1]
    if newest.desired is Desired.ABSENT:
        return True
    if vanished(newest):
        return sum(map(vanished, attempts)) < MAX_LOSSES
    return may_restart(service, attempts)


def _instances(
    execution_id: int,
    service: Service,
    indices: Iterable[int],
    attempts: Mapping[Key, Sequence[InstanceView]],
    defaults: SiteDefaults,
) -> Iterator[Unplaced]:
    """Instances of a service, each as the attempt after all that there were."""
    label, need = service.dns_label, need_of(service, defaults)
    for index in indices:
        before = attempts.get((label, index))
        attempt = before[-1].id.attempt + 1 if before else 1
        yield Unplaced(
            id=InstanceId(execution_id, label, index, attempt),
            need=need,
            essential=index < service.essential_count,
            monitor=service.monitor,
        )
