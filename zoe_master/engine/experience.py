"""How long executions ran, and from that how long new ones are expected to."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from zoe_core.cluster import ExecutionView, Quotas
from zoe_core.scheduling.history import History
from zoe_core.scheduling.state.quota_use import runtime_limit
from zoe_store.past import REMEMBERED_RUNS, Run


class Experience:
    """Grows by each execution that ends. Begins with those that ended last, oldest first."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._history = History()
        self._runs: deque[Run] = deque(maxlen=REMEMBERED_RUNS)
        self.count = 0
        """Runs that were ever noted."""
        for run in runs:
            self._note(run)

    def learn(self, ended: Iterable[ExecutionView], now: datetime) -> None:
        """Note how long these ran, as far as they did, which have ended just now."""
        for each in ended:
            if each.started_at is not None:
                self._note(Run(each.user, each.zapp.name, (now - each.started_at).total_seconds()))

    def since(self, count: int) -> tuple[Run, ...]:
        """The runs after the first ``count``, as far as they are remembered."""
        new = min(self.count - count, len(self._runs))
        return tuple(self._runs)[len(self._runs) - new :]

    def foreseen(
        self, executions: Iterable[ExecutionView], quotas: Quotas
    ) -> tuple[ExecutionView, ...]:
        """These executions, with how long they will probably run."""
        return tuple(self._foreseen(each, quotas) for each in executions)

    def _foreseen(self, execution: ExecutionView, quotas: Quotas) -> ExecutionView:
        limit = runtime_limit(execution, quotas)
        prediction = self._history.predict(execution.user, execution.zapp.name, limit)
        expected = None if prediction is None else prediction.mid
        return replace(execution, expected_seconds=expected)

    def _note(self, run: Run) -> None:
        self._history.record(run.user, run.zapp, run.seconds)
        self._runs.append(run)
        self.count += 1
