"""Schedulers to compare Zoe's with; they plug into ``zoe_core.simulation.World``.

They start each gang once, first come first served, and never take anything back. For a rigid
baseline make the jobs rigid (``Job.rigid``): then all is in the gang. They are for generated jobs,
whose services have names that are DNS labels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionStatus, ExecutionView, InstanceId, InstanceView, Snapshot
from zoe_core.scheduling import Gang, Plan, SchedulingSettings
from zoe_core.zapp import Service

Free = NDArray[np.int64]
"""Bytes and millicores, a row for each node."""


class Blocking:
    """The head of the queue holds back all others until it fits; what is left goes to elastic ones.

    On jobs with elastic instances this is the flexible heuristic of the paper behind Zoe without
    preemption (CCGrid 2017); on rigid ones it is plain first come, first served.
    """

    overtaking = False

    def __init__(self, snapshot: Snapshot, settings: SchedulingSettings) -> None:
        self._names = sorted(snapshot.nodes)
        capacities = (snapshot.nodes[each].capacity for each in self._names)
        self._free: Free = np.array([[each.memory, each.millicores] for each in capacities])
        self._defaults = settings.defaults
        self._waiting: dict[int, ExecutionView] = {}
        self._growing: dict[int, list[Service]] = {}
        self._placed: dict[int, list[InstanceView]] = {}

    def update(self, snapshot: Snapshot, changed: Collection[int]) -> None:
        """See ``Scheduler``."""
        for each in sorted(changed):
            execution = snapshot.executions.get(each)
            if execution is None:
                self._leave(each)
            elif execution.status is ExecutionStatus.QUEUED:
                self._waiting[each] = execution

    def decide(self, now: datetime) -> Plan:
        """See ``Scheduler``."""
        gangs = tuple(self._start())
        return Plan(gangs=gangs, grown=tuple(self._grow()))

    def _leave(self, execution_id: int) -> None:
        self._growing.pop(execution_id, None)
        for each in self._placed.pop(execution_id, ()):
            self._free[self._names.index(each.node)] += _row(each.reservation)

    def _start(self) -> Iterator[Gang]:
        for execution in list(self._waiting.values()):
            placed = self._place_gang(execution)
            if placed is not None:
                del self._waiting[execution.id]
                self._placed[execution.id] = list(placed)
                elastic = [each for each in execution.zapp.services if each.elastic_count]
                self._growing[execution.id] = elastic
                yield Gang(execution.id, tuple(placed))
            elif not self.overtaking:
                return

    def _place_gang(self, execution: ExecutionView) -> list[InstanceView] | None:
        free = self._free.copy()
        placed: list[InstanceView] = []
        services = sorted(execution.zapp.services, key=self._memory, reverse=True)
        for service in services:
            found = self._place(execution.id, service, 0, service.essential_count)
            if len(found) < service.essential_count:
                self._free = free
                return None
            placed += found
        return placed

    def _grow(self) -> Iterator[InstanceView]:
        for execution_id, services in self._growing.items():
            mine = self._placed[execution_id]
            for service in tuple(services):
                there = sum(each.id.service == service.name for each in mine)
                found = self._place(execution_id, service, there, service.total_count - there)
                mine += found
                yield from found
                if there + len(found) == service.total_count:
                    services.remove(service)

    def _memory(self, service: Service) -> int:
        return service.reservation(self._defaults).memory

    def _place(
        self, execution_id: int, service: Service, first: int, count: int
    ) -> list[InstanceView]:
        """Up to ``count`` instances, each on the node with the most free memory."""
        amount = service.reservation(self._defaults)
        fit = np.maximum(self._free // _row(amount), 0).min(axis=1)
        found = []
        for index in range(first, first + min(count, int(fit.sum()))):
            row = int(np.where(fit > 0, self._free[:, 0], -1).argmax())
            self._free[row] -= _row(amount)
            fit[row] -= 1
            found.append(
                InstanceView(
                    InstanceId(execution_id, service.name, index),
                    self._names[row],
                    amount,
                    essential=index < service.essential_count,
                    monitor=service.monitor,
                )
            )
        return found


class Overtaking(Blocking):
    """Whatever fits starts, however many others have waited longer."""

    overtaking = True


def _row(amount: Amount) -> NDArray[np.int64]:
    return np.array([amount.memory, amount.millicores])
