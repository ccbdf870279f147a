"""Where an instance goes: placements choose among the nodes that have room for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceView, Node, Snapshot
from zoe_core.scheduling.gang import Unplaced


class Room:
    """What is free on each node while a plan is made; takes can be given back as a whole.

    Nodes that are gone, draining or offline offer nothing.
    """

    def __init__(self, nodes: Mapping[str, Node], free: Mapping[str, Amount]) -> None:
        self._nodes = nodes
        self._free = dict(free)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Room:
        """The free room of a snapshot."""
        return cls(snapshot.nodes, snapshot.free())

    @classmethod
    def beside(cls, snapshot: Snapshot, instances: Iterable[InstanceView] = ()) -> Room:
        """The room there would be if only these ran."""
        room = cls(snapshot.nodes, {name: each.capacity for name, each in snapshot.nodes.items()})
        for each in instances:
            if each.node in snapshot.nodes:
                room.take(each.node, each.reservation)
        return room

    def without(self, leaving: Iterable[InstanceView]) -> Room:
        """The room there will be once these have left."""
        room = Room(self._nodes, self._free)
        room.give_back((each.node, each.reservation) for each in leaving if each.node in self._free)
        return room

    def free(self, node: str) -> Amount:
        """What is free on ``node``; negative amounts are missing."""
        return self._free[node]

    def offers(self, image: str) -> dict[str, Amount]:
        """Free amounts of the nodes that may start ``image``, room aside."""
        return {name: self._free[name] for name, node in self._nodes.items() if node.accepts(image)}

    def take(self, node: str, amount: Amount) -> None:
        """Reserve ``amount`` on ``node`` for the rest of the plan."""
        self._free[node] = self._free[node] - amount

    def give_back(self, taken: Iterable[tuple[str, Amount]]) -> None:
        """Undo takes: a gang did not fit as a whole."""
        for node, amount in taken:
            self._free[node] = self._free[node] + amount


class Placement(Protocol):
    """Picks the node for an instance that needs ``amount``, or None when it fits nowhere."""

    def choose(self, offers: Mapping[str, Amount], amount: Amount) -> str | None:
        """Choose one of ``offers`` (free amounts by node name)."""


class Spread:
    """The node with the most free memory, then cores: load evens out; names break ties."""

    def choose(self, offers: Mapping[str, Amount], amount: Amount) -> str | None:
        """See ``Placement``."""
        fitting = [name for name, free in offers.items() if amount.fits_in(free)]
        if not fitting:
            return None
        return min(fitting, key=lambda name: (-offers[name].memory, -offers[name].millicores, name))


@dataclass(frozen=True, slots=True)
class Misfit:
    """The first instance of a gang that found no place.

    ``offers`` is what the nodes that may start it have free, before any of the gang is placed.
    """

    unplaced: Unplaced
    offers: Mapping[str, Amount]

    @property
    def alone(self) -> bool:
        """Whether it finds no place even without the others of its gang."""
        return not any(self.unplaced.amount.fits_in(free) for free in self.offers.values())


def place_gang(
    wanted: Sequence[Unplaced], room: Room, placement: Placement
) -> tuple[InstanceView, ...] | Misfit:
    """Place all or none; the largest first, which leaves the least room unused."""
    placed: list[InstanceView] = []
    for each in sorted(wanted, key=_size, reverse=True):
        node = placement.choose(room.offers(each.image), each.amount)
        if node is None:
            room.give_back((instance.node, instance.reservation) for instance in placed)
            return Misfit(each, room.offers(each.image))
        room.take(node, each.amount)
        placed.append(each.on(node))
    return tuple(placed)


def _size(unplaced: Unplaced) -> tuple[int, int]:
    return unplaced.amount.memory, unplaced.amount.millicores
