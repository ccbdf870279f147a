"""What must be done on the back-end to make the wanted state true, for one execution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoe_core.cluster import (
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Observed,
)
from zoe_core.scheduling.gang import services_in_order

_GOES_ON = frozenset({ExecutionStatus.STARTING, ExecutionStatus.RUNNING})


@dataclass(frozen=True, slots=True)
class Stop:
    """An instance that is asked to end by ``signal``, and forced to after ``grace`` seconds.

    ``grace`` None: as long as the site gives to all that end.
    """

    id: InstanceId
    signal: str = "SIGTERM"
    grace: float | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """Instances to start, in this order, and to stop; ``clean``: all are gone, remove the rest.

    ``given_up`` are those that were given up before they were seen. They hold their room until it
    is known that no start of theirs is under way, or they come up and are stopped.
    """

    start: tuple[InstanceView, ...] = ()
    stop: tuple[Stop, ...] = ()
    given_up: tuple[InstanceView, ...] = ()
    clean: bool = False


def effects(execution: ExecutionView, instances: Sequence[InstanceView]) -> Effects:
    """Compare what is desired with what was observed; services start by their ``startup_order``.

    An instance has one attempt at a time: one that was given up may turn up late, and is let go
    before its successor starts. One that is taken back from an execution that goes on ends as its
    service's ``shrink`` says.
    """
    rank = {
        service.dns_label: place for place, service in enumerate(services_in_order(execution.zapp))
    }
    leaving = [each for each in instances if each.leaving]
    taken = {(each.id.service, each.id.index) for each in leaving}
    stop = [_stop(execution, each) for each in leaving if each.observed is not Observed.NONE]
    start = [
        each
        for each in instances
        if each.desired is Desired.PRESENT
        and each.observed is Observed.NONE
        and (each.id.service, each.id.index) not in taken
    ]
    return Effects(
        start=tuple(sorted(start, key=lambda each: (rank[each.id.service], each.id.index))),
        stop=tuple(sorted(stop, key=lambda each: each.id)),
        given_up=tuple(each for each in leaving if each.observed is Observed.NONE),
        clean=execution.status is ExecutionStatus.CLEANING_UP
        and all(each.gone for each in instances),
    )


def _stop(execution: ExecutionView, instance: InstanceView) -> Stop:
    """Only elastic instances leave an execution that goes on."""
    if instance.essential or execution.status not in _GOES_ON:
        return Stop(instance.id)
    services = execution.zapp.services
    service = next(each for each in services if each.dns_label == instance.id.service)
    return Stop(instance.id, service.shrink.signal, service.shrink.grace)
