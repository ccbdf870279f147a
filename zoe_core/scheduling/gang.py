"""The instances that an execution is made of, before they have a place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from zoe_core.amount import Amount
from zoe_core.cluster import Desired, ExecutionView, InstanceId, InstanceView, Observed
from zoe_core.zapp import Service, SiteDefaults, ZApp

MAX_ATTEMPTS = 10
"""Attempts of one elastic instance: what is lost again and again is not worth another one."""


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
    attempts: Mapping[tuple[str, int], int],
    defaults: SiteDefaults,
) -> list[Unplaced]:
    """The gang: ``essential_count`` instances of each service, as new attempts."""
    return [
        _unplaced(execution_id, service, index, attempts, defaults, essential=True)
        for service in services_in_order(zapp)
        for index in range(service.essential_count)
    ]


def elastic_instances(
    execution: ExecutionView, existing: Sequence[InstanceView], defaults: SiteDefaults
) -> Iterator[Unplaced]:
    """The elastic instances that may still be added.

    One that was lost or taken down may come again, as a new attempt. One that ended by itself has
    done its work, one that could not even be started would fail again at once, and after
    ``MAX_ATTEMPTS`` it is done without.
    """
    attempts = newest_attempts(existing)
    taken = {
        (each.id.service, each.id.index)
        for each in existing
        if not each.gone or (each.desired is Desired.PRESENT and not _was_lost(each))
    }
    for service in services_in_order(execution.zapp):
        for index in range(service.essential_count, service.total_count):
            key = (service.dns_label, index)
            if key not in taken and attempts.get(key, 0) < MAX_ATTEMPTS:
                yield _unplaced(execution.id, service, index, attempts, defaults, essential=False)


def _was_lost(instance: InstanceView) -> bool:
    return instance.observed is Observed.LOST and instance.started_at is not None


def newest_attempts(existing: Sequence[InstanceView]) -> dict[tuple[str, int], int]:
    """The highest attempt there was of each (service, index)."""
    attempts: dict[tuple[str, int], int] = {}
    for each in existing:
        key = (each.id.service, each.id.index)
        attempts[key] = max(each.id.attempt, attempts.get(key, 0))
    return attempts


def _unplaced(
    execution_id: int,
    service: Service,
    index: int,
    attempts: Mapping[tuple[str, int], int],
    defaults: SiteDefaults,
    *,
    essential: bool,
) -> Unplaced:
    attempt = attempts.get((service.dns_label, index), 0) + 1
    return Unplaced(
        id=InstanceId(execution_id, service.dns_label, index, attempt),
        image=service.image,
        amount=service.reservation(defaults),
        essential=essential,
        monitor=service.monitor,
    )
