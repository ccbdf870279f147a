"""The nodes as columns of arrays, so that a question to all of them is one operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoe_core.amount import Amount
from zoe_core.cluster import Node

Amounts = NDArray[np.int64]
"""Memory in bytes, thousandths of a core, GPUs: of one amount, or as rows or columns of many."""

Rows = NDArray[np.intp]
"""Some nodes, by their place in the table."""

Mask = NDArray[np.bool_]
"""One truth for each node of the table."""

Kind = tuple[str, frozenset[str]]
"""What, room aside, says which nodes may start an instance: its image and labels."""


def row_of(amount: Amount) -> Amounts:
    """An amount as an array of three numbers."""
    return np.array((amount.memory, amount.millicores, amount.gpus), dtype=np.int64)


def amount_of(row: Amounts) -> Amount:
    """The way back."""
    return Amount(*row.tolist())


@dataclass(frozen=True, slots=True)
class Able:
    """The nodes that may start what asks for one image and some labels, room aside.

    ``elastic``: those that take elastic instances too. ``afar``: 1 where the image would have to be
    fetched first, 0 where it is. ``count``: how many they are. Equal masks are the same object.
    """

    count: int
    all: Mask
    elastic: Mask
    afar: NDArray[np.int64]


class NodeTable:
    """The nodes of a snapshot, sorted by name. Never changed, so copies of a room share it.

    ``capacity`` has shape (3, n): the numbers of one kind are compared together.
    """

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.names = sorted(nodes)
        self.rows = {name: row for row, name in enumerate(self.names)}
        self._nodes = [nodes[name] for name in self.names]
        self.devices = [node.devices for node in self._nodes]
        self.capacity = np.zeros((3, len(nodes)), dtype=np.int64)
        for row, node in enumerate(self._nodes):
            self.capacity[:, row] = row_of(node.capacity)
        self.open = np.array([node.online and not node.draining for node in self._nodes], np.bool_)
        self._images = frozenset().union(
            *(node.local_images for node in self._nodes),
            *(node.images or () for node in self._nodes),
        )
        self._able: dict[Kind, Able] = {}
        self._masks: dict[bytes, Mask] = {}
        self._classes: dict[tuple[int, int], int] = {}  # by the masks
        self._class_of = np.empty(0, np.int64)  # by the place of a kind

    def able(self, image: str, labels: frozenset[str]) -> Able:
        """The nodes that may start such an instance."""
        # Images that no node names are all the same to them, so they share an entry.
        key = image if image in self._images else "", labels
        if key not in self._able:
            self._able[key] = self._find_able(image, labels)
        return self._able[key]

    def classes(self, kinds: Sequence[Kind]) -> NDArray[np.int64]:
        """A small number for each kind, the same for all that the same nodes may start.

        ``kinds`` are those of the last time, and maybe some more.
        """
        new = kinds[len(self._class_of) :]
        if new:
            found = [self._class(self.able(*each)) for each in new]
            self._class_of = np.concatenate((self._class_of, np.array(found, np.int64)))
        return self._class_of

    def _class(self, able: Able) -> int:
        return self._classes.setdefault((id(able.all), id(able.elastic)), len(self._classes))

    def _find_able(self, image: str, labels: frozenset[str]) -> Able:
        able = [node.accepts(image) and labels <= node.labels for node in self._nodes]
        calm = [not node.pressured for node in self._nodes]
        afar = [image not in node.local_images for node in self._nodes]
        return Able(
            count=sum(able),
            all=self._mask(able),
            elastic=self._mask(np.logical_and(able, calm)),
            afar=np.array(afar, dtype=np.int64),
        )

    def _mask(self, truths: ArrayLike) -> Mask:
        mask = np.array(truths, dtype=np.bool_)
        return self._masks.setdefault(mask.tobytes(), mask)
