"""The amounts that tell whether anything fits: those that no other amount exceeds."""

from __future__ import annotations

import numpy as np

from zoe_core.scheduling.nodes.node_table import Amounts


def non_dominated(amounts: Amounts) -> Amounts:
    """The rows that no other row has at least as much of everything as; each such row once.

    What fits in any of ``amounts`` fits in one of these. Shape (n, 3) in, (k, 3) out, sorted by
    the first column, the largest first. Costs one sweep for each distinct number of GPUs, of which
    there are few.
    """
    amounts = _without_the_small(amounts)
    memory, cores, gpus = amounts.T
    ordered = amounts[np.lexsort((-gpus, -cores, -memory))]
    cores, gpus = ordered[:, 1], ordered[:, 2]
    kept = np.zeros(len(ordered), dtype=np.bool_)
    for count in np.unique(gpus):
        # Among those with no fewer GPUs: nothing before it, which has more memory, has its cores.
        rivals = np.flatnonzero(gpus >= count)
        best = np.maximum.accumulate(cores[rivals])
        first = np.ones(len(rivals), dtype=np.bool_)
        first[1:] = cores[rivals[1:]] > best[:-1]
        kept[rivals[first & (gpus[rivals] == count)]] = True
    return ordered[kept]


def _without_the_small(amounts: Amounts) -> Amounts:
    """All but those that a single large one exceeds: as a rule few are left to be sorted."""
    if not len(amounts):
        return amounts
    shares = amounts / np.maximum(amounts.max(axis=0), 1)
    largest = amounts[shares.sum(axis=1).argmax()]
    exceeding = (amounts > largest).any(axis=1)
    return np.vstack([largest, amounts[exceeding]])
