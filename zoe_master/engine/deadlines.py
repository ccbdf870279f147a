"""When something happens to executions by the passing of time alone."""

from __future__ import annotations

import heapq
from datetime import datetime


class Deadlines:
    """One moment, or none, for each execution; a question costs what has passed, not what waits."""

    def __init__(self) -> None:
        self._moments: dict[int, datetime] = {}
        self._coming: list[tuple[datetime, int]] = []  # a heap; also with moments that were changed
        self._passed: set[int] = set()

    def put(self, execution_id: int, moment: datetime | None) -> None:
        """From now on it is this moment; None: nothing will happen by itself."""
        if moment == self._moments.get(execution_id):
            return
        self._passed.discard(execution_id)
        if moment is None:
            del self._moments[execution_id]
            return
        self._moments[execution_id] = moment
        heapq.heappush(self._coming, (moment, execution_id))
        if len(self._coming) > 2 * len(self._moments) + 100:
            self._coming = [(each, key) for key, each in self._moments.items()]
            heapq.heapify(self._coming)

    def passed(self, now: datetime) -> set[int]:
        """The executions whose moment has come; again and again, until they have another one."""
        while self._coming and self._coming[0][0] <= now:
            moment, execution_id = heapq.heappop(self._coming)
            if self._moments.get(execution_id) == moment:
                self._passed.add(execution_id)
        return set(self._passed)
