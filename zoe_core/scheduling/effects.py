"""What must be done on the back-end to make the wanted state true, for one execution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoe_core.cluster import Desired, ExecutionStatus, ExecutionView, InstanceView, Observed
from zoe_core.scheduling.gang import services_in_order


@dataclass(frozen=True, slots=True)
class Effects:
    """Instances to start, in this order, and to stop; ``clean``: all are gone, remove the rest."""

    start: tuple[InstanceView, ...] = ()
    stop: tuple[InstanceView, ...] = ()
    clean: bool = False

    def __bool__(self) -> bool:
        return bool(self.start or self.stop or self.clean)


def effects(execution: ExecutionView, instances: Sequence[InstanceView]) -> Effects:
    """Compare what is desired with what was observed; services start by their ``startup_order``.

    An instance has one attempt at a time: one that was given up may turn up late, and is let go
    before its successor starts.
    """
    rank = {
        service.dns_label: place for place, service in enumerate(services_in_order(execution.zapp))
    }
    stop = [each for each in instances if each.leaving]
    leaving = {(each.id.service, each.id.index) for each in stop}
    start = [
        each
        for each in instances
        if each.desired is Desired.PRESENT
        and each.observed is Observed.NONE
        and (each.id.service, each.id.index) not in leaving
    ]
    return Effects(
        start=tuple(sorted(start, key=lambda each: (rank[each.id.service], each.id.index))),
        stop=tuple(sorted(stop, key=lambda each: each.id)),
        clean=execution.status is ExecutionStatus.CLEANING_UP
        and all(each.gone for each in instances),
    )
