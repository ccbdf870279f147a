"""The room that is free on the nodes while a plan is made, and the ways to fill it.

All amounts are whole numbers, so what is taken and given back leaves no trace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceView, Snapshot
from zoe_core.scheduling.nodes.node_table import (
    Amounts,
    Kind,
    NodeTable,
    Rows,
    amount_of,
    row_of,
)
from zoe_core.scheduling.nodes.offers import Offers
from zoe_core.scheduling.placement import BestFit, Placement, Scores, smallest

_FEW = 32
"""Nodes of which the best are found as fast by a heap of all of them."""


_TIGHT: Final = BestFit()


@dataclass(frozen=True, slots=True)
class Need:
    """What one instance asks of its node. Instances with equal needs are interchangeable."""

    amount: Amount
    image: str
    labels: frozenset[str] = frozenset()

    @property
    def size(self) -> tuple[int, int, int]:
        """To compare needs by: what is scarcest on most nodes comes first."""
        return self.amount.gpus, self.amount.memory, self.amount.millicores


@dataclass(frozen=True, slots=True)
class Spot:
    """The place of one instance: a node, and the ids of the GPUs there that it alone gets."""

    node: str
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Misfit:
    """The need of a gang for which there was no room, by itself or beside what has to go first.

    ``placed`` instances with this need found a place.
    """

    need: Need
    placed: int


class Room:
    """What is free on each node; negative amounts are missing, as after a node shrank.

    What is missing keeps away only who needs some of it. Nodes that are draining or offline, or
    lack the image or a label, offer nothing to a need; pressured ones nothing to elastic instances.
    Nodes that are unknown are passed over in silence.
    """

    __slots__ = ("_free", "_given", "_nodes", "_offers")

    def __init__(
        self, nodes: NodeTable, free: Amounts, given: dict[int, frozenset[str]] | None = None
    ) -> None:
        self._nodes = nodes
        self._free = free  # shape (3, n)
        self._given = given or {}  # by row of the node, the GPUs that somebody has
        # By mask; shared by equal rooms. Whoever takes or gives back begins with a new one.
        self._offers: dict[int, Offers] = {}

    @classmethod
    def beside(cls, snapshot: Snapshot, instances: Iterable[InstanceView] = ()) -> Room:
        """The room on the nodes of ``snapshot`` if these hold their reservations, no others."""
        nodes = NodeTable(snapshot.nodes)
        room = cls(nodes, nodes.capacity.copy())
        for each in instances:
            room.take(each.node, each.reservation, each.devices)
        return room

    def copy(self) -> Room:
        """Another room, equal for now."""
        other = Room(self._nodes, self._free.copy(), self._given.copy())
        other._offers = self._offers
        return other

    def empty(self) -> Room:
        """The room there would be on the same nodes if nothing ran."""
        return Room(self._nodes, self._nodes.capacity.copy())

    def meet(self, other: Room) -> Room:
        """What is free in both, of the same nodes; GPUs are counted, their ids are this room's."""
        return Room(self._nodes, np.minimum(self._free, other._free), self._given.copy())

    # --- one instance ---

    def take(self, node: str, amount: Amount, devices: Sequence[str] = ()) -> None:
        """Reserve ``amount`` on ``node``, and its GPUs ``devices``."""
        row = self._nodes.rows.get(node)
        if row is not None:
            self._add(row, amount, -1)
            if devices:
                self._given[row] = self._given.get(row, frozenset()).union(devices)

    def give_back(self, node: str, amount: Amount, devices: Sequence[str] = ()) -> None:
        """Undo a take."""
        row = self._nodes.rows.get(node)
        if row is not None:
            self._add(row, amount, 1)
            if devices:
                self._given[row] = self._given.get(row, frozenset()).difference(devices)

    def free(self, node: str) -> Amount:
        """What is free on ``node``, which must be known."""
        return amount_of(self._free[:, self._nodes.rows[node]])

    def row(self, node: str) -> int:
        """The row of ``node`` for ``release``; -1 when it is unknown."""
        return self._nodes.rows.get(node, -1)

    def release(self, rows: NDArray[np.int64], amounts: Amounts) -> None:
        """Give back many amounts at once: a room that is to come, in which GPUs are counted only.

        ``rows``: n rows of nodes, from ``row``; ``amounts``: n x 3.
        """
        for column, added in zip(self._free, amounts.T, strict=True):
            np.add.at(column, rows, added)
        self._offers = {}

    # --- questions ---

    def capacity(self) -> Amounts:
        """What all nodes have together, whatever state they are in."""
        return np.asarray(self._nodes.capacity.sum(axis=1))

    def sum(self) -> Amounts:
        """What is free together on all nodes that are online and not draining.

        What is missing on one counts 0.
        """
        return np.asarray(self._free.compress(self._nodes.open, axis=1).clip(min=0).sum(axis=1))

    def fits(self, need: Need, *, elastic: bool = False) -> bool:
        """Whether there is room for one instance."""
        return bool(self._having_room(need, elastic=elastic).size)

    def how_many(self, need: Need, limit: int, *, elastic: bool = False) -> int:
        """For how many instances there is room, up to ``limit``."""
        _, slots = self._slots(need, limit, elastic=elastic)
        return min(limit, int(slots.sum()))

    def how_many_each(
        self, amounts: Amounts, image: str, labels: frozenset[str] = frozenset()
    ) -> NDArray[np.int64]:
        """For how many instances of each of m amounts (3 x m) there is room, up to 2**31."""
        free = self._free.compress(self._nodes.able(image, labels).all, axis=1)
        np.maximum(free, 0, out=free)
        free = free.compress((free >= amounts.min(axis=1)[:, None]).all(axis=0), axis=1)
        slots = np.full((amounts.shape[1], free.shape[1]), 2**31)
        for column, wanted in zip(free, amounts, strict=True):
            some = np.flatnonzero(wanted)
            slots[some] = np.minimum(slots[some], column // wanted[some, None])
        return np.asarray(slots.sum(axis=1))

    def frontier(
        self, image: str, labels: frozenset[str] = frozenset(), *, elastic: bool = False
    ) -> Amounts:
        """The free amounts, one a row, that tell whether any node has room for an amount.

        One has if and only if the amount fits in one of these.
        """
        return self._offers_of(image, labels, elastic=elastic).frontier

    def nearest(self, need: Need) -> tuple[str, Amount] | None:
        """Of the nodes that may start it, the one that lacks the least, and what it has free."""
        found = self._offers_of(need.image, need.labels).nearest(row_of(need.amount))
        return None if found is None else (self._nodes.names[found[0]], found[1])

    def classes(self, kinds: Sequence[Kind]) -> NDArray[np.int64]:
        """See ``NodeTable.classes``."""
        return self._nodes.classes(kinds)

    def _offers_of(self, image: str, labels: frozenset[str], *, elastic: bool = False) -> Offers:
        able = self._nodes.able(image, labels)
        mask = able.elastic if elastic else able.all
        if id(mask) not in self._offers:
            self._offers[id(mask)] = Offers(self._free, mask)
        return self._offers[id(mask)]

    # --- many instances ---

    def place(
        self, need: Need, count: int, placement: Placement, *, elastic: bool = False
    ) -> list[Spot]:
        """Take places for up to ``count`` instances: those it would choose one after the other."""
        return self._fill(need, count, placement, *self._slots(need, count, elastic=elastic))

    def place_gang(
        self, wanted: Sequence[tuple[Need, int]], placement: Placement
    ) -> list[list[Spot]] | Misfit:
        """Take places for all of these, or none; the answer is in the order of ``wanted``.

        Those with the fewest nodes to choose from go first, and of these the largest, which leaves
        the least unused. Where ``placement`` finds no place for all, the tightest fit may.
        """
        order = sorted(range(len(wanted)), key=lambda at: self._ease(wanted[at][0]))
        for at in order:  # as a rule this tells, before anything is placed
            if misfit := self._misfit(*wanted[at]):
                return misfit
        spots = self._place_all(wanted, order, placement)
        if isinstance(spots, Misfit) and len(wanted) > 1:
            tight = self._place_all(wanted, order, _TIGHT)
            return spots if isinstance(tight, Misfit) else tight
        return spots

    def _place_all(
        self, wanted: Sequence[tuple[Need, int]], order: Sequence[int], placement: Placement
    ) -> list[list[Spot]] | Misfit:
        spots: list[list[Spot]] = [[] for _ in wanted]
        offers = self._offers
        for at in order:
            need, count = wanted[at]
            spots[at] = self.place(need, count, placement)
            if len(spots[at]) < count:
                self._undo(wanted, spots)
                self._offers = offers
                return Misfit(need, len(spots[at]))
        return spots

    def _misfit(self, need: Need, count: int) -> Misfit | None:
        many = self.how_many(need, count)
        return Misfit(need, many) if many < count else None

    def _ease(self, need: Need) -> tuple[int, ...]:
        choice = self._nodes.able(need.image, need.labels).count
        return choice, *(-each for each in need.size)

    def _undo(self, wanted: Sequence[tuple[Need, int]], spots: Sequence[Sequence[Spot]]) -> None:
        for (need, _), mine in zip(wanted, spots, strict=True):
            for spot in mine:
                self.give_back(spot.node, need.amount, spot.devices)

    def _slots(
        self, need: Need, limit: int, *, elastic: bool = False
    ) -> tuple[Rows, NDArray[np.int64]]:
        """The nodes that have room, and for how many instances each has, up to ``limit``."""
        rows = self._having_room(need, elastic=elastic)
        slots = np.full(len(rows), max(limit, 0))
        for column, wanted in zip(self._free, row_of(need.amount), strict=True):
            if wanted:
                np.minimum(slots, column[rows] // wanted, out=slots)
        return rows, slots

    def _fill(
        self,
        need: Need,
        count: int,
        placement: Placement,
        rows: Rows,
        slots: NDArray[np.int64],
    ) -> list[Spot]:
        """Take places for up to ``count`` instances on nodes with so many slots each."""
        if count <= 0 or not len(rows):
            return []
        taken = self._choose(need, count, placement, rows, slots)
        if need.amount.gpus:
            return [self._put(need, row) for row in taken]
        times = Counter(taken)
        for row, here in times.items():
            self._add(row, need.amount, -here)
        spots = {row: Spot(self._nodes.names[row]) for row in times}
        return [spots[row] for row in taken]

    def _choose(
        self,
        need: Need,
        count: int,
        placement: Placement,
        rows: Rows,
        slots: NDArray[np.int64],
    ) -> list[int]:
        """The rows of the nodes that each of up to ``count`` instances would go to in turn.

        No more nodes than there are instances can come to be used. How a node scores when it has
        some of them depends on nothing else, so it is asked of all at once.
        """
        ranks, scores = self._ranks(need, rows), self._scores(need, placement, rows)
        best = smallest((ranks, *scores.T), max(count, _FEW))
        rows, slots = rows[best], slots[best]
        columns = ranks[best], scores[best], rows, slots
        heap = [(*each, 1) for each in zip(*(column.tolist() for column in columns), strict=True)]
        heapify(heap)
        later: dict[int, dict[int, list[float]]] = {}  # scores by what a node has, then by its row
        taken: list[int] = []
        while heap and len(taken) < count:
            rank, _, row, room_for, has = heap[0]
            taken.append(row)
            if has == room_for:
                heappop(heap)
                continue
            if has not in later:
                more = rows[slots > has]
                scored = self._scores(need, placement, more, has).tolist()
                later[has] = dict(zip(more.tolist(), scored, strict=True))
            heapreplace(heap, (rank, later[has][row], row, room_for, has + 1))
        return taken

    def _scores(self, need: Need, placement: Placement, rows: Rows, has: int = 0) -> Scores:
        """How the nodes score when each has so many of the instances."""
        wanted = row_of(need.amount)
        free = self._free.take(rows, axis=1).T - has * wanted
        return placement.order(free, wanted, self._nodes.capacity.take(rows, axis=1).T)

    def _ranks(self, need: Need, rows: Rows) -> NDArray[np.int64]:
        """What counts before the placement: smaller is better.

        A node that has the image comes first. Then what needs no GPU leaves nodes with free GPUs to
        others, while it can.
        """
        ranks = 2 * self._nodes.able(need.image, need.labels).afar[rows]
        if not need.amount.gpus:
            ranks += self._free[2, rows] > 0
        return ranks

    def _having_room(self, need: Need, *, elastic: bool) -> Rows:
        able = self._nodes.able(need.image, need.labels)
        mask = able.elastic if elastic else able.all
        for column, wanted in zip(self._free, row_of(need.amount), strict=True):
            if wanted:
                mask = mask & (column >= wanted)
        return mask.nonzero()[0]

    def _add(self, row: int, amount: Amount, times: int) -> None:
        # Number by number: for a single node four times faster than with arrays.
        self._free[0, row] += times * amount.memory
        self._free[1, row] += times * amount.millicores
        if amount.gpus:
            self._free[2, row] += times * amount.gpus
        self._offers = {}

    def _put(self, need: Need, row: int) -> Spot:
        """Take the place of one instance that needs GPUs."""
        self._add(row, need.amount, -1)
        given = self._given.get(row, frozenset())
        idle = [each for each in self._nodes.devices[row] if each not in given]
        devices = tuple(idle[: need.amount.gpus])
        self._given[row] = given.union(devices)
        return Spot(self._nodes.names[row], devices)
