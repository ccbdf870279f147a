"""What the scheduler derives from one execution, once for each change of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from zoe_core.amount import Amount
from zoe_core.cluster import (
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Observed,
)
from zoe_core.scheduling.gang import (
    Demand,
    Unplaced,
    elastic_instances,
    essential_demand,
    replacements,
    total_of,
    whole_of,
)
from zoe_core.scheduling.nodes.room import Need
from zoe_core.zapp import Service, SiteDefaults

_UP = frozenset({ExecutionStatus.STARTING, ExecutionStatus.RUNNING})
_THERE = frozenset({Observed.CREATING, Observed.RUNNING})


@dataclass(frozen=True, slots=True)
class Want:
    """Elastic instances of one service that may be added, the first first.

    ``lendable``: they may be taken back at any time.
    """

    need: Need
    lendable: bool
    instances: tuple[Unplaced, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """An execution with its instances, all attempts, and what follows from them.

    ``demand`` is that of the gang, ``total`` its sum, ``whole`` the sum for all instances that it
    may have. ``held`` are the instances that hold their reservation, by id, and ``amount`` is what
    they hold. ``failed`` are essential instances that are to start again, ``wants`` the elastic
    ones that it lacks.
    """

    view: ExecutionView
    instances: Mapping[InstanceId, InstanceView]
    demand: Demand
    total: Amount
    whole: Amount
    held: tuple[InstanceView, ...]
    amount: Amount
    failed: tuple[Unplaced, ...] = ()
    wants: tuple[Want, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether it is in the queue."""
        return self.view.status is ExecutionStatus.QUEUED

    @property
    def up(self) -> bool:
        """Whether it goes on: it may be added to, and gives back."""
        return goes_on(self.view)

    @property
    def counts(self) -> bool:
        """Whether it counts as one that starts or runs."""
        return self.view.status in _UP


def goes_on(view: ExecutionView) -> bool:
    """Whether an execution is up and nobody wants its end."""
    return view.status in _UP and view.terminate is None


def derive(
    view: ExecutionView,
    instances: Mapping[InstanceId, InstanceView],
    defaults: SiteDefaults,
    before: Known | None = None,
) -> Known:
    """Derive all; ``before``, what was derived before the change, saves some work."""
    if before is not None and before.view.zapp is view.zapp:
        demand, total, whole = before.demand, before.total, before.whole
    else:
        demand = essential_demand(view.zapp, defaults)
        total, whole = total_of(demand), whole_of(view.zapp, defaults)
    held = tuple(instances[each] for each in sorted(instances) if not instances[each].gone)
    amount = sum((each.reservation for each in held), Amount())
    if not goes_on(view):
        return Known(view, instances, demand, total, whole, held, amount)
    there = instances.values()
    failed = tuple(replacements(view, there, defaults))
    wants = elastic_wants(view, instances, defaults)
    return Known(view, instances, demand, total, whole, held, amount, failed, wants)


def elastic_wants(
    view: ExecutionView, instances: Mapping[InstanceId, InstanceView], defaults: SiteDefaults
) -> tuple[Want, ...]:
    """The elastic instances that an execution with these instances lacks."""
    return tuple(
        Want(missing[0].need, lendable(service), tuple(missing))
        for service, missing in elastic_instances(view, instances.values(), defaults)
    )


def lendable(service: Service) -> bool:
    """Whether its elastic instances may be taken back at any time."""
    return service.shrink.allowed and not service.min_hold


def returnable(service: Service, instance: InstanceView) -> bool:
    """Whether it may ever be taken back."""
    return service.shrink.allowed and not instance.essential and instance.desired is Desired.PRESENT


def stays(known: Known) -> Iterator[InstanceView]:
    """The instances of an execution that hold their place whatever others need."""
    services = {service.dns_label: service for service in known.view.zapp.services}
    for each in known.held:
        if not each.leaving and not returnable(services[each.id.service], each):
            yield each


def is_there(instance: InstanceView) -> bool:
    """Not while its start is under way unseen: it might turn up after its room was given away."""
    return instance.observed in _THERE
