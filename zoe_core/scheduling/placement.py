"""Where an instance goes: placements choose among the nodes that have room for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zoe_core.scheduling.nodes.node_table import Amounts

Scores = NDArray[np.int64] | NDArray[np.float64]


class Placement(Protocol):
    """Says which of the nodes that have room an instance goes to; entry points: ``zoe.placements``.

    What a node has of the image, or of GPUs that the instance does not need, counts before it.
    """

    def order(self, free: Amounts, need: Amounts, capacity: Amounts) -> Scores:
        """Score each node, the best lowest: shape (n, k), earlier columns count first.

        ``free`` and ``capacity`` have shape (n, 3), ``need`` has shape (3,): memory in bytes,
        thousandths of a core, GPUs. All these nodes have room. A node's score must depend on
        nothing but its own row; where scores are equal, the name decides.
        """


class Spread:
    """The node with the most free memory, then cores: load evens out."""

    def order(self, free: Amounts, need: Amounts, capacity: Amounts) -> Scores:
        """See ``Placement``."""
        return -free[:, :2]


class Pack:
    """The node with the least free memory, then cores: large pieces stay whole for large needs."""

    def order(self, free: Amounts, need: Amounts, capacity: Amounts) -> Scores:
        """See ``Placement``."""
        return free[:, :2]


class BestFit:
    """The node of which the instance takes the largest part, in the kind that runs out first.

    So the least is left over of what is scarcest there.
    """

    def order(self, free: Amounts, need: Amounts, capacity: Amounts) -> Scores:
        """See ``Placement``."""
        needed = need > 0
        if not needed.any():
            return np.zeros((len(free), 1))
        scores: Scores = -(need[needed] / free[:, needed]).max(axis=1, keepdims=True)
        return scores


def smallest(columns: Sequence[NDArray[np.number]], count: int) -> NDArray[np.intp]:
    """The indices of the ``count`` smallest rows of a table, in no order.

    Rows are compared column by column; of equal ones the first are taken.
    """
    rest = np.arange(len(columns[0]))
    sure: list[NDArray[np.intp]] = []
    for column in columns:
        if len(rest) <= count:
            break
        values = column[rest]
        bound = np.partition(values, count - 1)[count - 1]
        sure.append(rest[values < bound])
        rest, count = rest[values == bound], count - len(sure[-1])
    return np.concatenate([*sure, rest[:count]])
