"""Taking back: which elastic instances leave, so that what heads the queue finds room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoe_core.cluster import InstanceId, InstanceView
from zoe_core.scheduling.decision.ends import TICK
from zoe_core.scheduling.gang import Demand
from zoe_core.scheduling.nodes.later import Leaving, first_fit, fits, without
from zoe_core.scheduling.nodes.room import Misfit, Room
from zoe_core.scheduling.state.columns import Frame
from zoe_core.scheduling.state.picture import Picture


def make_room(
    picture: Picture, room: Room, demand: Demand, givers: NDArray[np.int64], now: float
) -> tuple[tuple[InstanceId, ...], Room] | None:
    """What to take back so that a gang fits once all that leaves is gone, and the room then.

    Nothing when what leaves already is enough; None when even all that may be taken back is not.
    Takes as few as will do, and then spares those that are not in the way. ``givers``
    are the executions that give: the last first, of its instances the newest.
    """
    held, placement = picture.held.rows, picture.settings.placement
    nodes = picture.node_rows(held["node"])
    leaving = np.flatnonzero(held["leaving"] & (nodes >= 0))
    giving = _giving(held, nodes, givers, now)
    if not len(leaving) and not len(giving):
        return None
    later = without(room, Leaving(nodes[leaving], held["amount"][:, leaving]))
    if fits(later, demand, placement):
        return (), later
    all_given = Leaving(nodes[giving], held["amount"][:, giving])
    found = first_fit(later, demand, placement, all_given, np.arange(1, len(giving) + 1))
    if found is None:
        return None
    count, emptied = found
    given = [_instance(picture, held, row) for row in giving[:count].tolist()]
    fewer = _in_the_way(picture, given, emptied, demand)
    spared = _without_instances(later, fewer)
    # Placements are greedy: with less to choose from they may fail where there would be a way.
    if fits(spared, demand, placement):
        return tuple(each.id for each in fewer), spared
    return tuple(each.id for each in given), emptied


def next_release(picture: Picture, now: float) -> float | None:
    """When the next elastic instance will have been held for its ``min_hold``, if there is one."""
    held = picture.held.rows
    until = held["until"][held["returnable"] & held["there"]]
    return min(until[until > now + TICK].tolist(), default=None)


def _giving(
    held: Frame, nodes: NDArray[np.int64], givers: NDArray[np.int64], now: float
) -> NDArray[np.int64]:
    """The rows of what may be taken back, the first to go first."""
    if not len(givers):
        return np.empty(0, np.intp)
    free = held["returnable"] & held["there"] & (held["until"] <= now + TICK) & (nodes >= 0)
    rows = np.flatnonzero(free & np.isin(held["owner"], givers))
    by_id = np.argsort(givers)
    rank = by_id[np.searchsorted(givers[by_id], held["owner"][rows])]
    return rows[np.lexsort((-held["seq"][rows], -held["started"][rows], -rank))]


def _instance(picture: Picture, held: Frame, row: int) -> InstanceView:
    return picture.known[int(held["owner"][row])].held[int(held["seq"][row])]


def _without_instances(room: Room, leaving: Sequence[InstanceView]) -> Room:
    later = room.copy()
    for each in leaving:
        later.give_back(each.node, each.reservation)
    return later


def _in_the_way(
    picture: Picture, given: Sequence[InstanceView], room: Room, demand: Demand
) -> list[InstanceView]:
    """Those of ``given``, whose room ``room`` counts as free, that the gang cannot do without."""
    room = room.copy()
    places = room.place_gang(demand, picture.settings.placement)
    assert not isinstance(places, Misfit)
    used = {spot.node for mine in places for spot in mine}
    taken = []
    for each in reversed([each for each in given if each.node in used]):
        if each.reservation.fits_in(room.free(each.node)):
            room.take(each.node, each.reservation)
        else:
            taken.append(each)
    return taken[::-1]
