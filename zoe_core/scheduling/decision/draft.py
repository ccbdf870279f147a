"""A plan under way: what has its place so far, and the room and the quotas that are left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoe_core.cluster import InstanceView
from zoe_core.scheduling.decision.order import ranked
from zoe_core.scheduling.gang import essential_instances, seated
from zoe_core.scheduling.nodes.room import Room, Spot
from zoe_core.scheduling.placement import Placement
from zoe_core.scheduling.plan import Gang
from zoe_core.scheduling.state.columns import Frame
from zoe_core.scheduling.state.known import Known
from zoe_core.scheduling.state.picture import Picture
from zoe_core.scheduling.state.tables import HELD, essential_row


class Draft:
    """Begins with nothing; all that gets a place is taken from ``room`` by who finds it."""

    def __init__(self, picture: Picture, moment: datetime) -> None:
        self.picture = picture
        self.now = moment.timestamp()
        self.room: Room = picture.room.copy()
        self.use = picture.holdings.use()
        self.gangs: list[Gang] = []
        self.restarted: list[InstanceView] = []
        self.grown: list[InstanceView] = []
        self._started: list[int] = []  # rows of the queue

    @property
    def placement(self) -> Placement:
        """Where instances go."""
        return self.picture.settings.placement

    @cached_property
    def up_order(self) -> NDArray[np.int64]:
        """The ids of what was up before, the first first."""
        up = self.picture.up.rows
        order = ranked(self.picture, up, self.use, self.now)
        return np.asarray(up["owner"][order])

    def givers(self, waiting: int, now: float) -> NDArray[np.int64]:
        """The ids of what was up and gives elastic instances to one that waits: the last first.

        To an essential instance that starts again all give. The order is that of ``now``.
        """
        queue = self.picture.queue.rows
        mine = queue.where(queue["owner"] == waiting)
        if not len(mine) or not self.picture.settings.policy.elastic_in_order:
            return self.up_order
        both = self.picture.up.rows.and_(mine).ordered(("submitted", "owner"))
        order = both["owner"][ranked(self.picture, both, self.use, now)]
        return np.asarray(order[int(np.flatnonzero(order == waiting)[0]) + 1 :])

    def start(self, row: int, known: Known, spots: list[list[Spot]]) -> None:
        """The gang in this row of the queue starts, on these places."""
        view = known.view
        wanted = essential_instances(
            view.id, view.zapp, known.instances.values(), self.picture.settings.defaults
        )
        self.gangs.append(Gang(view.id, seated(wanted, known.demand, spots)))
        rows = self.picture.queue.rows
        self.use.held[rows["user"][row]] += rows["use"][:, row]
        self._started.append(row)

    def running(self) -> Frame:
        """All that is up or starts now, by submission."""
        started = self.picture.queue.rows.take(np.array(self._started, np.intp))
        return self.picture.up.rows.and_(started).ordered(("submitted", "owner"))

    def placed_rows(self) -> Frame:
        """The instances that have a place by now, as rows of what is held."""
        nodes = self.picture.nodes
        return Frame.of(HELD, [essential_row(each, nodes) for each in self._placed()])

    def _placed(self) -> Iterator[InstanceView]:
        for gang in self.gangs:
            yield from gang.instances
        yield from self.restarted
