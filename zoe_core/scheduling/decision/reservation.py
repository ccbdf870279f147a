"""The place that is kept for what heads the queue: where it will start, and when at the latest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoe_core.cluster import InstanceId
from zoe_core.scheduling.decision.draft import Draft
from zoe_core.scheduling.decision.ends import Ends, Times, expected_ends, release_times
from zoe_core.scheduling.decision.shrink import make_room
from zoe_core.scheduling.gang import Demand
from zoe_core.scheduling.nodes.later import Leaving, first_fit
from zoe_core.scheduling.nodes.room import Misfit, Room
from zoe_core.scheduling.state.columns import Frame


@dataclass(frozen=True, slots=True)
class Reservation:
    """Room that is free at the Unix time ``at``; ``ANY_TIME``: some day, nobody knows when.

    ``later`` is all the room there is then, and ``beside`` that without the places of the gang.
    ``taken`` are elastic instances that leave for it now. ``last`` is the execution that has to end
    last, and ``by_limit`` says that it ends by then at the latest.
    """

    at: float
    later: Room
    beside: Room
    making: bool = False
    taken: tuple[InstanceId, ...] = ()
    last: int | None = None
    by_limit: bool = False


def reserve(draft: Draft, waiting: int, demand: Demand) -> Reservation | None:
    """Room for what does not fit now; None when there will be none, as far as is known.

    ``waiting`` is the execution that asks.
    """
    givers = draft.givers(waiting, draft.now)
    made = make_room(draft.picture, draft.room, demand, givers, draft.now)
    if made is not None:
        taken, later = made
        return Reservation(draft.now, later, _beside(draft, later, demand), True, taken)
    return _reserve_later(draft, demand, givers)


def _reserve_later(draft: Draft, demand: Demand, givers: NDArray[np.int64]) -> Reservation | None:
    """By the expected ends of what is up, and of what starts now."""
    running = draft.running()
    ends = expected_ends(draft.picture, running, draft.now)
    owners, times, leaving = _what_leaves(draft, running, ends, givers)
    steps = np.flatnonzero(np.diff(times, append=np.inf)) + 1  # what leaves together is one step
    found = first_fit(draft.room, demand, draft.placement, leaving, steps)
    if found is None:
        return None
    count, later = found
    at = float(times[count - 1])
    last = (ends.likely == at) & np.isin(running["owner"], owners[:count][times[:count] == at])
    before = (ends.likely <= at) & np.isin(running["owner"], owners[:count])
    return Reservation(
        at=at,
        later=later,
        beside=_beside(draft, later, demand),
        last=int(running["owner"][last].min()) if last.any() else None,
        by_limit=bool(last.any() and (ends.likely == ends.latest)[before].all()),
    )


def _what_leaves(
    draft: Draft, running: Frame, ends: Ends, givers: NDArray[np.int64]
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
