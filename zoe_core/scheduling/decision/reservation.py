"""The place that is kept for what heads the queue: where it will start, and when at the latest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoe_core.cluster import InstanceId
from zoe_core.scheduling.decision.draft import Draft
from zoe_core.scheduling.decision.ends import ANY_TIME, Ends, Times, expected_ends, release_times
from zoe_core.scheduling.decision.shrink import make_room
from zoe_core.scheduling.gang import Demand
from zoe_core.scheduling.nodes.later import Leaving, first_fit
from zoe_core.scheduling.nodes.room import Misfit, Room
from zoe_core.scheduling.state.columns import Frame

Ids = NDArray[np.int64]

_NOBODY: Final = np.empty(0, np.int64)
_LOOKS: Final = 3
"""How often it is looked anew when some will not give any more at the time that was found."""


@dataclass(frozen=True, slots=True)
class Release:
    """The first ``count`` of all instances that are expected to leave, the first first.

    ``owners`` are the executions that they belong to and ``times`` when they leave; ``ends`` are
    those of the executions in ``running``.
    """

    running: Frame
    ends: Ends
    owners: NDArray[np.int64]
    times: Times
    count: int

    @property
    def at(self) -> float:
        """When the last of them has left."""
        return float(self.times[self.count - 1])

    def last(self) -> int | None:
        """The execution that has to end last; None: an elastic instance has to leave."""
        with_last = self.owners[: self.count][self.times[: self.count] == self.at]
        mine = (self.ends.likely == self.at) & np.isin(self.running["owner"], with_last)
        return int(self.running["owner"][mine].min()) if mine.any() else None

    def by_limit(self) -> bool:
        """Whether all that has to end will have ended by then at the latest."""
        gone = np.isin(self.running["owner"], self.owners[: self.count])
        before = gone & (self.ends.likely <= self.at)
        return bool((self.ends.likely == self.ends.latest)[before].all())


@dataclass(frozen=True, slots=True)
class Reservation:
    """Room that is free at the Unix time ``at``; ``ANY_TIME``: some day, nobody knows when.

    ``later`` is all the room there is then, and ``beside`` that without the places of the gang.
    ``taken`` are elastic instances that leave for it now. ``release`` is what has to leave by
    itself.
    """

    at: float
    later: Room
    beside: Room
    making: bool = False
    taken: tuple[InstanceId, ...] = ()
    release: Release | None = None

    def outlook(self) -> tuple[int | None, bool]:
        """The execution that has to end last, and whether it ends by ``at`` at the latest."""
        last = None if self.release is None else self.release.last()
        return last, self.release is not None and last is not None and self.release.by_limit()


def reserve(draft: Draft, waiting: int, demand: Demand) -> Reservation | None:
    """Room for what does not fit now; None when there will be none, as far as is known.

    ``waiting`` is the execution that asks.
    """
    givers = _NOBODY
    if draft.picture.held.rows["returnable"].any():
        givers = draft.givers(waiting, draft.now)
    made = make_room(draft.picture, draft.room, demand, givers, draft.now)
    if made is not None:
        taken, later = made
        return Reservation(draft.now, later, _beside(draft, later, demand), True, taken)
    for _ in range(_LOOKS):
        found = _reserve_later(draft, demand, givers)
        still = givers if found is None else _still_give(draft, waiting, givers, found.at)
        if len(still) == len(givers):
            return found
        givers = still
    return _reserve_later(draft, demand, _NOBODY)


def _still_give(draft: Draft, waiting: int, givers: Ids, at: float) -> Ids:
    """Those that will give at that time, too: the order may change until then."""
    if not len(givers) or at == ANY_TIME:
        return givers
    return givers[np.isin(givers, draft.givers(waiting, at))]


def _reserve_later(draft: Draft, demand: Demand, givers: Ids) -> Reservation | None:
    """By the expected ends of what is up, and of what starts now."""
    running = draft.running()
    ends = expected_ends(draft.picture, running, draft.now)
    owners, times, leaving = _what_leaves(draft, running, ends, givers)
    steps = np.flatnonzero(np.diff(times, append=np.inf)) + 1  # what leaves together is one step
    found = first_fit(draft.room, demand, draft.placement, leaving, steps)
    if found is None:
        return None
    count, later = found
    release = Release(running, ends, owners, times, count)
    return Reservation(release.at, later, _beside(draft, later, demand), release=release)


def _what_leaves(
    draft: Draft, running: Frame, ends: Ends, givers: Ids
) -> tuple[NDArray[np.int64], Times, Leaving]:
    """Owners, times and amounts of all that is expected to leave, the first first."""
    held = draft.picture.held.rows
    mine = draft.placed_rows()
    owners = np.concatenate((held["owner"], mine["owner"]))
    nodes = draft.picture.node_rows(np.concatenate((held["node"], mine["node"])))
    amounts = np.concatenate((held["amount"], mine["amount"]), axis=1)
    times = np.concatenate(
        [release_times(each, running, ends, givers, draft.now) for each in (held, mine)]
    )
    order = np.argsort(times, kind="stable")
    order = order[(times < np.inf)[order] & (nodes >= 0)[order]]
    return owners[order], times[order], Leaving(nodes[order], amounts[:, order])


def _beside(draft: Draft, later: Room, demand: Demand) -> Room:
    beside = later.copy()
    placed = beside.place_gang(demand, draft.placement)
    assert not isinstance(placed, Misfit), "it was found to fit"
    return beside
