"""What will happen in a simulated world, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush

from zoe_core.cluster import ExecutionView, InstanceId


@dataclass(frozen=True, slots=True)
class Submitted:
    """Somebody submits an execution."""

    execution: ExecutionView


@dataclass(frozen=True, slots=True)
class Up:
    """Instances that were placed run."""

    instances: tuple[InstanceId, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """An instance that was to leave has left."""

    instance: InstanceId


@dataclass(frozen=True, slots=True)
class Done:
    """The work of an execution is done, if its progress still has this version."""

    execution_id: int
    version: int


@dataclass(frozen=True, slots=True)
class Limit:
    """The runtime limit of an execution passes."""

    execution_id: int


@dataclass(frozen=True, slots=True)
class Review:
    """The passing of time alone may give another plan."""


Fact = Submitted | Up | Gone | Done | Limit | Review


class Agenda:
    """Facts to come, by time; those of one moment in the order in which they were added.

    What was foreseen and will not be any more, as ``stale`` says, is never seen.
    """

    def __init__(self, stale: Callable[[Fact], bool]) -> None:
        self._heap: list[tuple[datetime, int, Fact]] = []
        self._added = 0
        self._stale = stale

    def add(self, when: datetime, fact: Fact) -> None:
        """``fact`` becomes true at ``when``."""
        self._added += 1
        heappush(self._heap, (when, self._added, fact))

    def next(self) -> datetime | None:
        """The next moment at which something happens, None when nothing ever will."""
        while self._heap and self._stale(self._heap[0][2]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self) -> list[Fact]:
        """All facts of the next moment."""
        facts = []
        moment = now = self.next()
        while now is not None and now == moment:
            facts.append(heappop(self._heap)[2])
            now = self.next()
        return facts
