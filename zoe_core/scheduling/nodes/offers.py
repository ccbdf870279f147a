"""What some of the nodes have free: answers about all of them together, each found once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from zoe_core.amount import Amount
from zoe_core.scheduling.nodes.frontier import non_dominated
from zoe_core.scheduling.nodes.node_table import Amounts, Mask, amount_of
from zoe_core.scheduling.placement import smallest


class Offers:
    """The free amounts of the nodes in a mask, of an array of shape (3, n) as it is now."""

    def __init__(self, free: Amounts, mask: Mask) -> None:
        self._rows = np.flatnonzero(mask)
        self._free = free.take(self._rows, axis=1)

    @cached_property
    def frontier(self) -> Amounts:
        """The amounts, one a row, that tell what fits; see ``non_dominated``."""
        return non_dominated(self._free.T)

    @cached_property
    def total(self) -> Amount:
        """Their sum; what is missing on one node counts 0."""
        return amount_of(self._free.clip(min=0).sum(axis=1))

    @cached_property
    def largest(self) -> tuple[int, Amount] | None:
        """The row of the node with the most free memory, then cores, and what it has free."""
        if not self._rows.size:
            return None
        memory, cores, _ = -self._free
        first = smallest((memory, cores), 1)[0]
        return int(self._rows[first]), amount_of(self._free[:, first])
