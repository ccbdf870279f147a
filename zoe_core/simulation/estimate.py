"""When will it start: the scheduler itself, run forward in virtual time from how things are now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from zoe_core.cluster import ExecutionStatus, ExecutionView, Snapshot
from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_core.scheduling.history import History
from zoe_core.simulation.forward import Future, Pick, Present
from zoe_core.waiting import StartEstimate

QUEUE_STEPS = 6_000
"""Moments at which something happens that are looked at for the whole queue, in all runs together:
a start that comes later is only told to be later."""

REQUEST_STEPS = 800
"""The same for requests, all together: somebody waits for the answer."""

_LOW: Pick = attrgetter("low")
_MID: Pick = attrgetter("mid")
_HIGH: Pick = attrgetter("high")


def estimate(
    snapshot: Snapshot,
    settings: SchedulingSettings,
    rules: StartRules,
    history: History,
    now: datetime,
    requests: Sequence[ExecutionView] = (),
) -> dict[int, StartEstimate]:
    """When each execution that waits will start, or, if there are ``requests``, when those would.

    Three runs of the real scheduler: with low, middle and high run times of everything at once. So
    the range is wide, though what comes later, or is done to the queue, may still break it. What
    runs already is taken to have outlived all shorter runs; elastic instances to change no run
    time. With ``COARSE_FROM`` executions or more all ends are rounded: the queue as a whole passes
    as it would, but a single start may move, as other requests overtake than would have. Each of
    ``requests`` is asked about by itself, with three runs of its own; their ids are not in
    ``snapshot``. The work is bounded by ``QUEUE_STEPS`` and ``REQUEST_STEPS``.
    """
    present = Present(snapshot, settings, rules, history, now)
    if requests:
        return _of_requests(present, requests)
    waiting = [
        each.id for each in snapshot.executions.values() if each.status is ExecutionStatus.QUEUED
    ]
    return _Question(present, waiting).answer(QUEUE_STEPS)[0] if waiting else {}


def _of_requests(present: Present, requests: Sequence[ExecutionView]) -> dict[int, StartEstimate]:
    """What one question does not need is left to those after it."""
    found: dict[int, StartEstimate] = {}
    left = REQUEST_STEPS
    for number, request in enumerate(requests):
        question = _Question(present, [request.id], request)
        answer, steps = question.answer(left // (len(requests) - number))
        found |= answer
        left -= steps
    return found


class _Question:
    """When do these start?"""

    def __init__(
        self, present: Present, awaited: Sequence[int], request: ExecutionView | None = None
    ) -> None:
        self._present = present
        self._awaited = awaited
        self._request = request

    def answer(self, most: int) -> tuple[dict[int, StartEstimate], int]:
        """The starts, and how many steps it took, which are at most ``most``."""
        mid = self._future(_MID, most // 3)
        if all(mid.start_of(each) == 0 for each in self._awaited):  # whatever the run times
            return {each: StartEstimate(0.0, 0.0, 0.0) for each in self._awaited}, mid.steps
        low = self._future(_LOW, (most - mid.steps) // 2)
        high = self._future(_HIGH, most - mid.steps - low.steps)
        starts = {each: _start(each, low, mid, high) for each in self._awaited}
        return starts, low.steps + mid.steps + high.steps

    def _future(self, pick: Pick, most: int) -> Future:
        return self._present.future(pick, self._awaited, most, self._request)


def _start(execution_id: int, low: Future, mid: Future, high: Future) -> StartEstimate:
    """Shorter run times do not always mean an earlier start: the range takes in the guess."""
    early, guess, late = (each.start_of(execution_id) for each in (low, mid, high))
    if guess is None:
        return mid.why_not(execution_id)
    return StartEstimate(
        low=guess if early is None else min(early, guess),
        mid=guess,
        high=None if late is None else max(late, guess),
    )
