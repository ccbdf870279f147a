"""One run of the real scheduler into the future, with run times as they are foretold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from zoe_core.cluster import ExecutionStatus, ExecutionView, Snapshot
from zoe_core.scheduling import Blocker, SchedulingSettings, StartRules
from zoe_core.scheduling.history import History, Prediction
from zoe_core.scheduling.state.quota_use import runtime_limit
from zoe_core.simulation.work import ENDLESS, Work
from zoe_core.simulation.world import World
from zoe_core.waiting import StartEstimate

LEAST_LEFT = 10.0
"""Seconds that what is due to end is expected to run on."""

_NOBODY_HELPS = frozenset({Blocker.ON_HOLD, Blocker.NO_NODE, Blocker.TOO_LARGE})
"""What waits for these waits for no other execution to end."""

Pick = Callable[[Prediction], float]
"""Which of the predicted run times comes true."""


class Present:
    """How things are ``now``, and what is left of everything, as far as ``history`` can tell."""

    def __init__(
        self,
        snapshot: Snapshot,
        settings: SchedulingSettings,
        rules: StartRules,
        history: History,
        now: datetime,
    ) -> None:
        self._snapshot = snapshot
        self._settings = settings
        self._rules = rules
        self._history = history
        self._now = now
        self._left = {each.id: self._predict(each) for each in snapshot.executions.values()}

    def future(
        self, pick: Pick, awaited: Sequence[int], most: int, request: ExecutionView | None = None
    ) -> Future:
        """Go on until all ``awaited`` have started that can, but at most so many steps.

        ``request`` comes now, as one more execution.
        """
        world = World(self._snapshot, self._settings, self._rules, self._now)
        for execution_id, left in self._left.items():
            world.expect(execution_id, _work(pick, left))
        if request is not None:
            world.submit(request, _work(pick, self._predict(request)))
        endless = {each for each, left in self._left.items() if left is None}
        return Future(world, awaited, most, endless)

    def _predict(self, execution: ExecutionView) -> Prediction | None:
        """What is left of it, in seconds."""
        started, limit = execution.started_at, runtime_limit(execution, self._snapshot.quotas)
        elapsed = 0.0 if started is None else max(0.0, (self._now - started).total_seconds())
        prediction = self._history.predict(execution.user, execution.zapp.name, limit, elapsed)
        return prediction and prediction.left(elapsed, LEAST_LEFT)


class Future:
    """What became of a world. ``steps``: how many it took."""

    def __init__(self, world: World, awaited: Sequence[int], most: int, endless: set[int]) -> None:
        """Run ``world``; of ``endless`` executions nobody can tell how long they run."""
        self.steps = 0
        self._world = world
        self._began = world.now
        self._endless = endless
        self._most = most
        self._cut = not self._run(awaited)

    def start_of(self, execution_id: int) -> float | None:
        """Seconds to its start; None: it has not started."""
        started = self._world.started.get(execution_id)
        return None if started is None else (started - self._began).total_seconds()

    def why_not(self, execution_id: int) -> StartEstimate:
        """What can be told of one that has not started."""
        if self._cut and not self._world.snapshot.executions[execution_id].on_hold:
            return StartEstimate(later_than=(self._world.now - self._began).total_seconds())
        blocker = self._blocker(execution_id)
        if blocker in _NOBODY_HELPS:
            return StartEstimate()
        user = self._world.snapshot.executions[execution_id].user
        in_the_way = (
            each.id
            for each in self._endless_running()
            if blocker is not Blocker.QUOTA or each.user == user
        )
        return StartEstimate(blockers=tuple(sorted(in_the_way)))

    def _run(self, awaited: Sequence[int]) -> bool:
        """False when it was cut short."""
        self._world.step()
        for each in reversed(awaited):  # as a rule the last to start comes first
            if each not in self._world.started and self._blocker(each) in _NOBODY_HELPS:
                continue
            while each not in self._world.started:
                if self.steps >= self._most:
                    return False
                if not self._world.step():
                    return True
                self.steps += 1
        return True

    def _blocker(self, execution_id: int) -> Blocker | None:
        verdict = self._world.plan.verdicts.get(execution_id)
        return None if verdict is None else verdict.blocker

    def _endless_running(self) -> Iterator[ExecutionView]:
        for each in self._world.snapshot.executions.values():
            if each.status is ExecutionStatus.RUNNING and each.id in self._endless:
                yield each


def _work(pick: Pick, prediction: Prediction | None) -> Work:
    return ENDLESS if prediction is None else Work(pick(prediction), divisible=False)
