"""Answers when things would start, and foresees when all that waits will."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from zoe_core.cluster import Snapshot
from zoe_core.protocol import (
    ESTIMATE_WITHIN,
    Estimate,
    Estimated,
    EstimateReply,
    ExpectedStart,
    Failure,
    PredictionError,
)
from zoe_core.scheduling import Plan, SchedulingSettings, StartRules
from zoe_core.waiting import StartEstimate, sentence
from zoe_master.engine.experience import Experience
from zoe_master.forecast.job import Candidates
from zoe_master.forecast.process import BUSY, ForecastProcess, NoForecast
from zoe_store.database import DatabaseAway
from zoe_store.office import Office, OutOfOffice
from zoe_store.predictions import Predicted, past_error, write_first

ANSWER_WITHIN = ESTIMATE_WITHIN - 1.0
"""Seconds for an answer, so that it is with the hub in time."""

FORESEE_EVERY = 5.0
"""Seconds between two forecasts of the queue, at least."""

FORESEE_WITHIN = 120.0
"""Seconds that a forecast of the whole queue may take."""

NICENESS = 10
"""How much all else on the machine comes before it."""

REST = 4
"""A forecast is followed by a pause of so many times the time that it took."""

LOOK_EVERY = 0.5
"""Seconds between looks whether there is a new plan."""

NOTED_AT_ONCE = 500
"""First predictions in one transaction: nobody can submit meanwhile. A new master sends those of
all that waits once more; the database keeps the first ones."""

AT_ONCE = 100
"""Questions that wait for their answer; far fewer than the socket takes, which is for commands."""

OF_ONE_USER = 4
"""Of those, how many one user may have: they are answered one after another."""


class Estimator:
    """Has two processes, one for questions: who asks does not wait for a forecast of the queue.

    ``expected`` has when those that wait will start, as it was foreseen last; ``error`` says how
    good first predictions were. ``state`` gives the newest snapshot and plan.
    """

    def __init__(
        self,
        *,
        settings: SchedulingSettings,
        rules: StartRules,
        experience: Experience,
        office: Office,
        state: Callable[[], tuple[Snapshot, Plan]],
        clock: Callable[[], datetime],
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self.expected: Mapping[int, ExpectedStart] = {}
        self.error: PredictionError | None = None
        self._questions = ForecastProcess(settings, rules, experience, log)
        # Nobody waits for it.
        self._forecasts = ForecastProcess(settings, rules, experience, log, NICENESS)
        self._office = office
        self._state = state
        self._clock = clock
        self._log = log
        self._next_start: datetime | None = None  # the first of those expected
        self._noted: set[int] = set()  # what waits, and has its first prediction written down
        self._said = ""
        self._asking: Counter[str] = Counter()  # questions under way, by user

    async def answer(self, wanted: Estimate) -> EstimateReply | Failure:
        """When they would start; a Failure says why nobody can tell in time."""
        if self._asking.total() >= AT_ONCE or self._asking[wanted.user] >= OF_ONE_USER:
            return Failure(reason=BUSY)
        self._asking[wanted.user] += 1
        try:
            return await self._estimate(wanted)
        finally:
            self._asking[wanted.user] -= 1
            if not self._asking[wanted.user]:
                del self._asking[wanted.user]

    async def _estimate(self, wanted: Estimate) -> EstimateReply | Failure:
        candidates = Candidates(wanted.user, wanted.groups, wanted.descriptions)
        try:
            forecast = await self._questions.ask(
                self._snapshot, self._clock(), candidates, within=ANSWER_WITHIN
            )
        except NoForecast as error:
            return Failure(reason=str(error))
        return EstimateReply(estimates=tuple(_estimated(each) for each in forecast.candidates))

    async def run(self) -> None:
        """Foresee the queue whenever it has changed, or things came otherwise, for ever.

        Raises OutOfOffice.
        """
        seen: Plan | None = None
        while True:
            plan = self._state()[1]
            if plan is seen and not self._disproved():
                await asyncio.sleep(LOOK_EVERY)
                continue
            seen, began = None, time.monotonic()
            try:
                await self._foresee(plan)
            except NoForecast as error:
                self._say(str(error))
            except DatabaseAway as error:
                self._say(f"the database is away: {error}")
            except OutOfOffice:
                raise
            except Exception:  # noqa: BLE001 -- an edge
                # Nothing that runs depends on it.
                self._log.exception("The queue could not be foreseen")
                seen = plan  # it would fail again
            else:
                self._said, seen = "", plan
            await asyncio.sleep(max(FORESEE_EVERY, REST * (time.monotonic() - began)))

    def _disproved(self) -> bool:
        """Whether a moment has passed at which something was to start."""
        return self._next_start is not None and self._clock() > self._next_start

    async def _foresee(self, plan: Plan) -> None:
        now, self._next_start = self._clock(), None
        found: Mapping[int, StartEstimate] = {}
        if plan.waiting:
            forecast = await self._forecasts.ask(self._snapshot, now, within=FORESEE_WITHIN)
            found = forecast.waiting
        self.expected = {
            execution_id: ExpectedStart(low=each.low, mid=each.mid, high=each.high)
            for execution_id, each in _moments(found, now).items()
        }
        self._next_start = min((each.mid for each in self.expected.values()), default=None)
        await self._note_first(_moments(found, now), now)
        self.error = await asyncio.to_thread(self._past_error)

    async def _note_first(self, predictions: Mapping[int, Predicted], now: datetime) -> None:
        """What was foreseen first is kept, to be compared with what happens."""
        new = [key for key in predictions if key not in self._noted]
        for first in range(0, len(new), NOTED_AT_ONCE):
            some = {key: predictions[key] for key in new[first : first + NOTED_AT_ONCE]}
            await asyncio.to_thread(write_first, self._office, some, now)
            self._noted |= some.keys()
        self._noted &= self._snapshot().executions.keys()

    def _past_error(self) -> PredictionError | None:
        found = past_error(self._office)
        if found is None:
            return None
        return PredictionError(count=found.count, median=found.median, within=found.within)

    def _snapshot(self) -> Snapshot:
        return self._state()[0]

    def _say(self, problem: str) -> None:
        """Once, not every few seconds."""
        if problem != self._said:
            self._log.warning("The queue is not foreseen: %s", problem)
            self._said = problem

    def close(self) -> None:
        """End the processes."""
        self._questions.close()
        self._forecasts.close()


def _moments(found: Mapping[int, StartEstimate], now: datetime) -> dict[int, Predicted]:
    """Those that anything is known of."""
    return {
        execution_id: Predicted(
            low=_after(now, each.mid if each.low is None else each.low),
            mid=_after(now, each.mid),
            high=None if each.high is None else _after(now, each.high),
        )
        for execution_id, each in found.items()
        if each.mid is not None
    }


def _after(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)


def _estimated(start: StartEstimate) -> Estimated:
    return Estimated(low=start.low, mid=start.mid, high=start.high, sentence=sentence(start))
