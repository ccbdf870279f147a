"""Who may start before the head of the queue: those that do not delay it, and some that might."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoe_core.scheduling.decision.draft import Draft
from zoe_core.scheduling.decision.ends import Times, expected_ends
from zoe_core.scheduling.decision.filter import Mask, enough, may_fit
from zoe_core.scheduling.decision.head import Head, Spare, Spots
from zoe_core.scheduling.decision.line import Fate, Line
from zoe_core.scheduling.gang import Demand
from zoe_core.scheduling.nodes.room import Misfit, Room
from zoe_core.scheduling.state.columns import Codes, Frame
from zoe_core.scheduling.state.tables import Kind

BACKFILL_DEPTH: Final = 100
"""How many requests behind the head are tried in vain before a pass gives up."""

_CHUNK: Final = 200
"""Of so many at a time it is asked more closely whether they may fit."""

_LOOK_AGAIN: Final = 25
"""After so many vain tries it is asked again who may fit in what is left."""

Rows = NDArray[np.intp]


Question = Callable[[Room, Frame, Codes[Kind]], Mask]


class Backfill:
    """The part of a pass behind the head.

    A request may start in any free room if it ends before the head's time for sure: by its runtime
    limit, even if it starts and ends slowly (``SLACK``). Beside the places of the head it may
    always. Else it may delay the head: if it is expected to end before, or nobody knows the head's
    time, it may start all the same, but not more than ``max_overtake`` do so.
    """

    def __init__(self, draft: Draft, line: Line, head: Head, spare: Spare) -> None:
        self._draft = draft
        self._line = line
        self._spare = spare
        self._left = 0  # how many may still start that may delay the head
        if not head.restart:
            self._left = max(0, draft.picture.settings.max_overtake - head.overtaken)
        self._vain = 0  # tries so far
        self.overtook = 0
        ends = expected_ends(draft.picture, line.rows, draft.now)
        self._in_time: Mask = ends.latest <= (-inf if head.at is None else head.at)
        self._hopeful = _hopeful(ends.likely, head.at)

    def run(self) -> None:
        """Start who may; those that the pass does not come to were not tried."""
        rows = self._line.open()
        rows = rows[self._ask(may_fit, rows)]
        while len(rows):
            if self._vain >= BACKFILL_DEPTH:
                self._line.fates[rows] = Fate.NOT_TRIED
                return
            rows = np.concatenate((self._try(self._promising(rows[:_CHUNK])), rows[_CHUNK:]))

    def _try(self, rows: Rows) -> Rows:
        """Try these in order; the answer is those that are left when it is time to look again."""
        stop, soon = BACKFILL_DEPTH, min(self._vain + _LOOK_AGAIN, BACKFILL_DEPTH)
        while len(rows) and self._vain < stop:
            row, rows = int(rows[0]), rows[1:]
            if self._start(row):
                rows, stop = rows[self._line.fates[rows] == Fate.BEHIND], soon
            else:
                self._vain += 1
                rows = rows[~self._alike(rows, row)]
        return rows

    def _promising(self, rows: Rows) -> Rows:
        """Those that are open still and may find room, as far as can be seen without a try."""
        rows = rows[self._line.fates[rows] == Fate.BEHIND]
        for question in (may_fit, enough):
            rows = rows[self._ask(question, rows)]
        return rows

    def _ask(self, question: Question, rows: Rows) -> Mask:
        """The answers for the rows: about all free room for those that may have any of it.

        For the others about the room beside the head's places.
        """
        allowed = self._in_time[rows]
        if self._left:
            allowed = allowed | self._hopeful[rows]
        answers = np.zeros(len(rows), np.bool_)
        beside = self._spare.beside
        for whom, room in ((allowed, self._spare.now), (~allowed, beside)):
            asked = np.flatnonzero(whom)
            if room is not None and len(asked):
                some = self._line.rows.take(rows[asked])
                answers[asked] = question(room, some, self._draft.picture.kinds)
        return answers

    def _alike(self, rows: Rows, failed: int) -> Mask:
        """Those that ask for the same as one that has failed, and have no more right to pass."""
        shapes = self._line.rows["shape"]
        return np.asarray(
            (shapes[rows] == shapes[failed])
            & (self._in_time[rows] <= self._in_time[failed])
            & (self._hopeful[rows] <= self._hopeful[failed])
        )

    def _start(self, row: int) -> bool:
        known = self._line.known(row)
        spots = self._place(row, known.demand)
        if spots is None:
            return False
        self._line.start(row, known, spots)
        return True

    def _place(self, row: int, demand: Demand) -> Spots | None:
        if not self._in_time[row]:
            beside = self._spare.place_beside(demand)
            if beside is not None or not (self._left and self._hopeful[row]):
                return beside
        placed = self._spare.place(demand)
        if isinstance(placed, Misfit):
            return None
        if not self._in_time[row]:
            self._left -= 1
            self.overtook += 1
        return placed


def _hopeful(ends: Times, at: float | None) -> Mask:
    """Who is expected to end in time; when nobody knows the time, that can be said of all."""
    if at is None:
        return np.ones(len(ends), np.bool_)
    return ends <= at
