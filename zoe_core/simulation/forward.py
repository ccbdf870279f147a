"""One run of the real scheduler into the future, with run times as they are foretold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from zoe_core.cluster import ExecutionStatus, ExecutionView, Snapshot
from zoe_core.scheduling import Blocker, SchedulingSettings, StartRules, Verdict
from zoe_core.scheduling.history import History, Prediction
from zoe_core.scheduling.state.quota_use import runtime_limit
from zoe_core.simulation.work import ENDLESS, Work
from zoe_core.simulation.world import World
from zoe_core.waiting import StartEstimate

LEAST_LEFT = 10.0
"""Seconds that what is due to end is expected to run on."""

COARSE_FROM = 500
"""Executions with which a look into the future is a coarse one: see ``World``."""

STARTS_IN_STEP = 10
"""Starts that count for one step more, as they take about as long."""

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
        coarse = len(self._snapshot.executions) >= COARSE_FROM
        world = World(self._snapshot, self._settings, self._rules, self._now, coarse=coarse)
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
        self._seen = 0
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
        verdict = self._verdict(execution_id)
        if _for_ever(verdict):
            return StartEstimate()
        if self._cut:
            return StartEstimate(later_than=(self._world.now - self._began).total_seconds())
        user = self._world.snapshot.executions[execution_id].user
        by_quota = verdict is not None and verdict.blocker is Blocker.QUOTA
        in_the_way = (
            each.id for each in self._endless_running() if not by_quota or each.user == user
        )
        return StartEstimate(blockers=tuple(sorted(in_the_way)))

    def _run(self, awaited: Sequence[int]) -> bool:
        """False when it was cut short."""
        self._world.step()
        for each in reversed(awaited):  # as a rule the last to start comes first
            if each not in self._world.started and _for_ever(self._verdict(each)):
                continue
            while each not in self._world.started:
                if self.steps >= self._most:
                    return False
                if not self._world.step():
                    return True
                self.steps = self._taken()
        return True

    def _taken(self) -> int:
        """Steps so far; starts take time as well."""
        self._seen += 1
        return self._seen + len(self._world.started) // STARTS_IN_STEP

    def _verdict(self, execution_id: int) -> Verdict | None:
        return self._world.plan.verdicts.get(execution_id)

    def _endless_running(self) -> Iterator[ExecutionView]:
        for each in self._world.snapshot.executions.values():
            if each.status is ExecutionStatus.RUNNING and each.id in self._endless:
                yield each


def _for_ever(verdict: Verdict | None) -> bool:
    """Whether it waits for no other to end: neither nodes nor quotas change in the simulation."""
    if verdict is None:
        return False
    by_itself = verdict.blocker is Blocker.QUOTA and verdict.asked > verdict.allowed
    return by_itself or verdict.blocker in _NOBODY_HELPS


def _work(pick: Pick, prediction: Prediction | None) -> Work:
    return ENDLESS if prediction is None else Work(pick(prediction), divisible=False)
