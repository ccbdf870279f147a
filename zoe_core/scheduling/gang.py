"""The instances that an execution is made of, before they have a place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from zoe_core.amount import Amount
from zoe_core.cluster import Desired, ExecutionView, InstanceId, InstanceView
from zoe_core.scheduling.attempts import (
    Key,
    by_instance,
    may_restart,
    to_restart,
    vanished,
)
from zoe_core.zapp import Service, SiteDefaults, ZApp

MAX_LOSSES = 10
"""Losses of one elastic instance: what vanishes again and again is not worth another attempt."""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """One instance that wants a place."""

    id: InstanceId
    image: str
    amount: Amount
    essential: bool
    monitor: bool

    def on(self, node: str) -> InstanceView:
        """The instance with its place."""
        return InstanceView(self.id, node, self.amount, self.essential, self.monitor)


def services_in_order(zapp: ZApp) -> list[Service]:
    """The services by ``startup_order``; equal ones as they are written."""
    return sorted(zapp.services, key=lambda service: service.startup_order)


def essential_instances(
    execution_id: int,
    zapp: ZApp,
    existing: Sequence[InstanceView],
    defaults: SiteDefaults,
) -> list[Unplaced]:
    """The gang: ``essential_count`` instances of each service, as new attempts."""
    attempts = by_instance(existing)
    return [
        _next(execution_id, service, index, attempts, defaults)
        for service in services_in_order(zapp)
        for index in range(service.essential_count)
    ]


def replacements(
    execution: ExecutionView, existing: Sequence[InstanceView], defaults: SiteDefaults
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
    execution: ExecutionView, existing: Sequence[InstanceView], defaults: SiteDefaults
) -> Iterator[Unplaced]:
    """The elastic instances that may still be added, those that come again as new attempts."""
    attempts = by_instance(existing)
    for service in services_in_order(execution.zapp):
        for index in range(service.essential_count, service.total_count):
            if _may_come(service, attempts.get((service.dns_label, index), ())):
                yield _next(execution.id, service, index, attempts, defaults)


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


def _next(
    execution_id: int,
    service: Service,
    index: int,
    attempts: Mapping[Key, Sequence[InstanceView]],
    defaults: SiteDefaults,
) -> Unplaced:
    """The attempt after all that there were."""
    before = attempts.get((service.dns_label, index))
    attempt = before[-1].id.attempt + 1 if before else 1
    return Unplaced(
        id=InstanceId(execution_id, service.dns_label, index, attempt),
        image=service.image,
        amount=service.reservation(defaults),
        essential=index < service.essential_count,
        monitor=service.monitor,
    )
