"""Who cannot fit for sure, asked of thousands at once: only the others are worth a real try."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from zoe_core.scheduling.nodes.node_table import Amounts, Kind, Rows
from zoe_core.scheduling.nodes.room import Room
from zoe_core.scheduling.state.columns import Codes, Frame

Mask = NDArray[np.bool_]


def may_fit(room: Room, rows: Frame, kinds: Codes[Kind], *, elastic: bool = False) -> Mask:
    """False for rows of requests or wants that have no room: what one instance needs, or the sum.

    Sound, not complete: what may fit may still find no place.
    """
    mask = below(rows["use"][1:], room.sum())
    asked = np.flatnonzero(mask)
    for kind, some in _alike(room, rows["kind"][asked], kinds):
        mine = asked[some]
        frontier = room.frontier(*kind, elastic=elastic)
        mask[mine] = _below_any(rows["need"].take(mine, axis=1), frontier)
    return mask


def enough(room: Room, rows: Frame, kinds: Codes[Kind]) -> Mask:
    """False for rows of requests whose instances with the largest need have no room together.

    Costs a number for each row and node, so it is not for thousands of rows.
    """
    mask = np.zeros(len(rows), np.bool_)
    for kind, mine in _alike(room, rows["kind"], kinds):
        slots = room.how_many_each(rows["need"].take(mine, axis=1), *kind)
        mask[mine] = slots >= rows["count"][mine]
    return mask


def _alike(room: Room, codes: NDArray[np.int64], kinds: Codes[Kind]) -> Iterator[tuple[Kind, Rows]]:
    """The rows that the same nodes may start, and one of their kinds: there may be thousands."""
    classes = room.classes(kinds.names)[codes]
    for each in np.flatnonzero(np.bincount(classes)).tolist():
        mine = np.flatnonzero(classes == each)
        yield kinds.names[codes[mine[0]]], mine


def below(needs: Amounts, amount: Amounts) -> Mask:
    """Whether each of n needs (3 x n) is at most one amount."""
    memory, cores, gpus = needs
    return np.asarray((memory <= amount[0]) & (cores <= amount[1]) & (gpus <= amount[2]))


def _below_any(needs: Amounts, frontier: Amounts) -> Mask:
    """Whether each of n needs (3 x n) is at most some row of the frontier."""
    fits = np.zeros(needs.shape[1], np.bool_)
    if not len(frontier):
        return fits
    left = np.flatnonzero(below(needs, frontier.max(axis=0)))
    for amount in frontier:
        if not len(left):
            break
        found = below(needs.take(left, axis=1), amount)
        fits[left[found]] = True
        left = left[~found]
    return fits
