"""What some of the nodes have free: answers about all of them together."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from zoe_core.amount import Amount
from zoe_core.scheduling.nodes.frontier import non_dominated
from zoe_core.scheduling.nodes.node_table import Amounts, Mask, amount_of
from zoe_core.scheduling.placement import smallest


class Offers:
    """The free amounts of the nodes in a mask, of an array of shape (3, n) as it is now.

    What is missing on a node counts 0: it keeps nobody away who needs none of it.
    """

    def __init__(self, free: Amounts, mask: Mask) -> None:
        self._rows = np.flatnonzero(mask)
        self._free = free.take(self._rows, axis=1).clip(min=0)

    @cached_property
    def frontier(self) -> Amounts:
        """The amounts, one a row, that tell what fits; see ``non_dominated``."""
        return non_dominated(self._free.T)

    def nearest(self, need: Amounts) -> tuple[int, Amount] | None:
        """The row of the node that comes nearest to having ``need`` free, and what it has.

        That is the one that lacks the least part of what it lacks most, then the least in all;
        of equal ones that with the most memory, then cores.
        """
        if not self._rows.size:
            return None
        wanted = np.flatnonzero(need)
        missing = 1 - self._free[wanted] / need[wanted, None]
        missing = missing.clip(min=0)
        memory, cores, _ = -self._free
        columns = (missing.max(axis=0, initial=0), missing.sum(axis=0), memory, cores)
        first = smallest(columns, 1)[0]
        return int(self._rows[first]), amount_of(self._free[:, first])
