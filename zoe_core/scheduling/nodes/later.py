"""The room that is to come: what is free once this and that has left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoe_core.scheduling.gang import Demand
from zoe_core.scheduling.nodes.node_table import Amounts
from zoe_core.scheduling.nodes.room import Misfit, Room
from zoe_core.scheduling.placement import Placement


@dataclass(frozen=True, slots=True)
class Leaving:
    """Amounts that are given back one after the other: n rows of nodes, and 3 x n amounts."""

    nodes: NDArray[np.int64]
    amounts: Amounts

    def part(self, start: int, end: int) -> Leaving:
        """Those from ``start`` to before ``end``."""
        return Leaving(self.nodes[start:end], self.amounts[:, start:end])


def without(room: Room, leaving: Leaving) -> Room:
    """The room there will be once these have left."""
    later = room.copy()
    later.release(leaving.nodes, leaving.amounts.T)
    return later


def fits(room: Room, demand: Demand, placement: Placement) -> bool:
    """Whether a gang fits; the room stays as it is."""
    if len(demand) == 1:  # then nothing depends on the placement
        ((need, count),) = demand
        return room.how_many(need, count) == count
    return not isinstance(room.copy().place_gang(demand, placement), Misfit)


def first_fit(
    room: Room, demand: Demand, placement: Placement, leaving: Leaving, steps: NDArray[np.int64]
) -> tuple[int, Room] | None:
    """After how many of ``leaving`` a gang fits that does not fit now, and the room there is then.

    Asked of the numbers ``steps`` only, which ascend; None when it does not even fit after the
    last. Takes it that more room is never worse, so that the answer can be found by bisection.
    """
    if not len(steps) or not fits(without(room, leaving.part(0, steps[-1])), demand, placement):
        return None
    low, high, before = 0, len(steps) - 1, 0
    while low < high:
        middle = (low + high) // 2
        later = without(room, leaving.part(before, steps[middle]))
        if fits(later, demand, placement):
            high = middle
        else:
            low, before, room = middle + 1, int(steps[middle]), later
    return int(steps[low]), without(room, leaving.part(before, steps[low]))
