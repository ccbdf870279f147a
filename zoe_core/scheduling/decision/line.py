"""The queue in one pass: who is considered in which order, and what became of each."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from zoe_core.scheduling.decision.draft import Draft
from zoe_core.scheduling.decision.filter import may_fit
from zoe_core.scheduling.decision.order import ranked
from zoe_core.scheduling.nodes.room import Spot
from zoe_core.scheduling.state.known import Known
from zoe_core.scheduling.state.tables import LEAVING, ON_HOLD


class Fate(IntEnum):
    """What a pass has found of a request; ``BEHIND``: it comes after the head, and must wait."""

    BEHIND = 0
    STARTS = 1
    ON_HOLD = 2
    LEAVING = 3
    OVER_QUOTA = 4
    TOO_LARGE = 5
    HEAD = 6
    NOT_TRIED = 7


class Line:
    """``rows`` are those of the queue, ``order`` has their indices, the first to start first."""

    def __init__(self, draft: Draft) -> None:
        picture = draft.picture
        self._draft = draft
        self.rows = picture.queue.rows
        self.fates = np.full(len(self.rows), Fate.BEHIND, np.int8)
        self.fates[self.rows["state"] == ON_HOLD] = Fate.ON_HOLD
        self.fates[self.rows["state"] == LEAVING] = Fate.LEAVING
        self._check_quota(np.flatnonzero(self.fates == Fate.BEHIND))
        self.order = self._ranked(self.fates == Fate.BEHIND)

    def _ranked(self, may_start: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Those that may start come first: what cannot is not to count in anybody's share."""
        draft, ordered = self._draft, [np.empty(0, np.intp)]
        for part in (np.flatnonzero(may_start), np.flatnonzero(~may_start)):
            if len(part):
                rows = self.rows.take(part)
                ordered.append(part[ranked(draft.picture, rows, draft.use, draft.now)])
        return np.concatenate(ordered)

    def open(self) -> NDArray[np.intp]:
        """The rows that nothing is found of yet, in order."""
        return np.asarray(self.order[self.fates[self.order] == Fate.BEHIND])

    def known(self, row: int) -> Known:
        """The execution in a row."""
        return self._draft.picture.known[int(self.rows["owner"][row])]

    def start(self, row: int, known: Known, spots: list[list[Spot]]) -> None:
        """This one starts; others of its user may be over their quota now."""
        self._draft.start(row, known, spots)
        self.fates[row] = Fate.STARTS
        if self._draft.use.limited:
            mine = self.rows["user"] == self.rows["user"][row]
            self._check_quota(np.flatnonzero(mine & (self.fates == Fate.BEHIND)))

    def too_large(self, row: int) -> None:
        """This one would not even fit on empty nodes; others need not be tried to see the same."""
        picture = self._draft.picture
        self.fates[row] = Fate.TOO_LARGE
        rest = np.flatnonzero(self.fates == Fate.BEHIND)
        fits = may_fit(picture.empty, self.rows.take(rest), picture.kinds)
        alike = self.rows["shape"][rest] == self.rows["shape"][row]
        self.fates[rest[~fits | alike]] = Fate.TOO_LARGE

    def _check_quota(self, rows: NDArray[np.intp]) -> None:
        some = self.rows.take(rows)
        over = self._draft.use.over(some["user"], some["account"], some["use"])
        self.fates[rows[over]] = Fate.OVER_QUOTA
