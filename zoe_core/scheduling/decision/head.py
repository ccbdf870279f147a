"""What heads the queue and has no room, and the room that others may use meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zoe_core.cluster import InstanceView
from zoe_core.scheduling.decision.ends import ANY_TIME
from zoe_core.scheduling.decision.reservation import Reservation
from zoe_core.scheduling.gang import Demand
from zoe_core.scheduling.nodes.later import fits
from zoe_core.scheduling.nodes.room import Misfit, Need, Room, Spot
from zoe_core.scheduling.placement import Placement
from zoe_core.scheduling.state.known import Known, stays

Spots = list[list[Spot]]


@dataclass(frozen=True, slots=True)
class Head:
    """The first for which there is no room: nobody may start in its place.

    ``misfit`` is what was found in ``room``. ``restart``: it runs, and lacks essential instances
    that failed. ``overtaken``: how many have started before it so far that may have delayed it.
    """

    id: int
    demand: Demand
    misfit: Misfit
    room: Room
    restart: bool
    overtaken: int
    reservation: Reservation | None

    @property
    def at(self) -> float | None:
        """When there will be room, in Unix time; None: nobody knows."""
        if self.reservation is None or self.reservation.at == ANY_TIME:
            return None
        return self.reservation.at

    @property
    def making_room(self) -> bool:
        """Whether there will be room by what leaves."""
        return self.reservation is not None and self.reservation.making


def room_alone(empty: Room, known: Known, restarted: Iterable[InstanceView]) -> Room:
    """The room there would be if nothing ran but what stays of this execution itself.

    ``empty`` is all there is; of ``restarted``, which have new places, its own count.
    """
    room = empty.copy()
    mine = (each for each in restarted if each.id.execution_id == known.view.id)
    for each in (*stays(known), *mine):
        room.take(each.node, each.reservation, each.devices)
    return room


class Spare:
    """The room beside what heads the queue; ``now`` is all that is free, and shared.

    The head fits for sure with the places that it has now. But when the time has come they are
    looked for again, one need after the other, and when it has several that may fail though there
    would be a way. ``careful``: what would make it fail gets no place.
    """

    def __init__(self, now: Room, head: Head, placement: Placement, *, careful: bool) -> None:
        self._careful = careful and len(head.demand) > 1
        self.now = now
        self._head = head
        self._placement = placement
        reservation = head.reservation
        self._later = None if reservation is None else reservation.later.copy()
        self._beside_later = None if reservation is None else reservation.beside.copy()
        self.beside: Room | None = None
        self._meet()

    def _meet(self) -> None:
        if self._beside_later is not None:
            self.beside = self.now.meet(self._beside_later)

    def place(self, demand: Demand) -> Spots | Misfit:
        """Places for a gang in any free room: it ends in time, or is allowed to delay the head."""
        placed = self.now.place_gang(demand, self._placement)
        if not isinstance(placed, Misfit):
            self._meet()
        return placed

    def place_beside(self, demand: Demand) -> Spots | None:
        """Places for a gang that are not needed by the head later."""
        if self.beside is None:
            return None
        placed = self.beside.place_gang(demand, self._placement)
        if isinstance(placed, Misfit):
            return None
        return placed if self._keep(demand, placed) else None

    def lend(self, need: Need, count: int) -> list[Spot]:
        """Places for up to ``count`` elastic instances that are given back when they are needed."""
        spots = self.now.place(need, count, self._placement, elastic=True)
        if spots:
            self._meet()
        return spots

    def grow_beside(self, need: Need, count: int) -> list[Spot]:
        """Places for up to ``count`` elastic instances that are not needed by the head later."""
        if self.beside is None:
            return []
        spots = self.beside.place(need, count, self._placement, elastic=True)
        return spots if self._keep(((need, len(spots)),), [spots]) else []

    def head_fits(self) -> bool:
        """Whether the head would find its places again when its time has come."""
        return self._later is None or fits(self._later, self._head.demand, self._placement)

    def _keep(self, demand: Demand, placed: Spots) -> bool:
        """Take the places, which ``beside`` has given already, or undo that."""
        assert self._later is not None
        assert self._beside_later is not None
        _take(self._later, demand, placed)
        if self._careful and not self.head_fits():
            _give_back(self._later, demand, placed)
            self._meet()
            return False
        _take(self._beside_later, demand, placed)
        _take(self.now, demand, placed)
        return True


def _take(room: Room, demand: Demand, placed: Spots) -> None:
    for (need, _), spots in zip(demand, placed, strict=True):
        for spot in spots:
            room.take(spot.node, need.amount, spot.devices)


def _give_back(room: Room, demand: Demand, placed: Spots) -> None:
    for (need, _), spots in zip(demand, placed, strict=True):
        for spot in spots:
            room.give_back(spot.node, need.amount, spot.devices)
