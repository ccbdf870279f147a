"""Why each request waits: kept as one small number each, told in full when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoe_core.scheduling.decision.draft import Draft
from zoe_core.scheduling.decision.head import Head, room_alone
from zoe_core.scheduling.decision.line import Fate
from zoe_core.scheduling.gang import Demand, Unplaced, essential_instances, total_of
from zoe_core.scheduling.nodes.node_table import amount_of
from zoe_core.scheduling.nodes.room import Misfit, Need, Room
from zoe_core.scheduling.plan import Blocker, Outlook, Verdict
from zoe_core.scheduling.state.known import Known
from zoe_core.scheduling.state.quota_use import LIMITS, limits_of, weights_of

_PLAIN = {
    Fate.ON_HOLD: Blocker.ON_HOLD,
    Fate.LEAVING: Blocker.LEAVING,
    Fate.NOT_TRIED: Blocker.NOT_TRIED,
}


class Scene:
    """What was left when the pass was over: its draft, of which nothing changes any more."""

    def __init__(self, draft: Draft, head: Head | None, overtook: int) -> None:
        picture = draft.picture
        self._head = head
        self._overtook = overtook
        self._room = draft.room
        self._held = draft.use.held
        # What the picture changes later, as it is now.
        self._known = picture.known.copy()
        self._restarted = draft.restarted
        self._empty = picture.empty
        self._users = picture.holdings.users
        self._snapshot = picture.snapshot
        self._settings = picture.settings

    def on_queue(self, ids: Sequence[int], fates: NDArray[np.int8]) -> Verdicts:
        """The verdicts on all that wait, in the order of the decision."""

        def tell(place: int) -> Verdict:
            verdict = self._on_one(self._known[ids[place]], Fate(fates[place]))
            return replace(verdict, position=place + 1)

        return Verdicts(ids, tell)

    def on_restarts(self, lacking: Mapping[int, Unplaced]) -> Verdicts:
        """Why instances that failed do not start again, by execution."""
        ids, wanted = tuple(lacking), tuple(lacking.values())

        def tell(place: int) -> Verdict:
            known = self._known[ids[place]]
            alone = room_alone(self._empty, known, self._restarted)
            return self._waits(known, ((wanted[place].need, 1),), alone)

        return Verdicts(ids, tell)

    def _on_one(self, known: Known, fate: Fate) -> Verdict:
        if fate in _PLAIN:
            return Verdict(_PLAIN[fate])
        if fate is Fate.OVER_QUOTA:
            return self._over_quota(known)
        return self._waits(known, known.demand, self._empty)

    def _waits(self, known: Known, demand: Demand, empty: Room) -> Verdict:
        """Why what has no room yet waits; ``empty`` is all the room that it could ever have."""
        too_large = self._misfit(empty, demand)
        if too_large is not None:
            return self._of_misfit(Blocker.TOO_LARGE, known, demand, too_large, empty)
        assert self._head is not None, "all that have room start"
        if known.view.id == self._head.id:
            return self._head_waits(known, self._head)
        return self._behind(known, demand, self._head)

    def _misfit(self, room: Room, demand: Demand) -> Misfit | None:
        placed = room.copy().place_gang(demand, self._settings.placement)
        return placed if isinstance(placed, Misfit) else None

    # --- verdicts ---

    def _over_quota(self, known: Known) -> Verdict:
        view = known.view
        held = self._held[self._users.of(view.user)].tolist()
        allowed = limits_of(self._snapshot.quotas.of(view.user, view.groups))
        asked = weights_of(known.total, 1)
        which = next(
            at for at in range(len(LIMITS)) if asked[at] and held[at] + asked[at] > allowed[at]
        )
        return Verdict(
            Blocker.QUOTA,
            limit=LIMITS[which],
            held=held[which],
            asked=asked[which],
            allowed=allowed[which],
        )

    def _head_waits(self, known: Known, head: Head) -> Verdict:
        if head.making_room:
            return Verdict(Blocker.MAKING_ROOM)
        verdict = self._of_misfit(Blocker.NO_ROOM, known, head.demand, head.misfit, head.room)
        return replace(verdict, outlook=_outlook(head))

    def _behind(self, known: Known, demand: Demand, head: Head) -> Verdict:
        misfit = self._misfit(self._room, demand)
        if misfit is not None:
            return self._of_misfit(Blocker.NO_ROOM, known, demand, misfit, self._room)
        if head.restart:
            of = self._known[head.id]
            verdict = self._of_misfit(Blocker.RESTART, of, head.demand, head.misfit, head.room)
            return replace(verdict, of=head.id)
        overtaken = head.overtaken + self._overtook
        spent = overtaken >= self._settings.max_overtake
        return Verdict(Blocker.WOULD_DELAY, of=head.id, overtaken=overtaken if spent else 0)

    def _of_misfit(
        self, blocker: Blocker, known: Known, demand: Demand, misfit: Misfit, room: Room
    ) -> Verdict:
        need = misfit.need
        verdict = Verdict(
            blocker,
            instance=self._name(known, need),
            image=need.image,
            labels=tuple(sorted(need.labels)),
            count=dict(demand)[need],
            needs=need.amount,
        )
        nearest = room.nearest(need)
        if nearest is None:
            return replace(verdict, blocker=Blocker.NO_NODE)
        if not room.fits(need):
            node, free = nearest
            return replace(verdict, free=free, node=node)
        total = amount_of(room.sum())
        if total_of(demand).fits_in(total):
            return replace(verdict, placed=misfit.placed)
        gang = sum(count for _, count in demand)
        return replace(verdict, gang=gang, needs=total_of(demand), free=total)

    def _name(self, known: Known, need: Need) -> str:
        view, defaults = known.view, self._settings.defaults
        gang = essential_instances(view.id, view.zapp, known.instances.values(), defaults)
        wanted = known.failed or gang
        return next(each.id.name for each in wanted if each.need == need)


def _outlook(head: Head) -> Outlook:
    reservation = head.reservation
    if reservation is None:
        return Outlook()
    at = None if head.at is None else datetime.fromtimestamp(head.at, UTC)
    return Outlook(at, *reservation.outlook())


class Verdicts(Mapping[int, Verdict]):
    """The verdicts on some executions, each made when somebody asks for it."""

    def __init__(self, ids: Sequence[int], tell: Callable[[int], Verdict]) -> None:
        """``tell`` makes the verdict on one of ``ids``, by its place there."""
        self._ids = ids
        self._tell = tell

    @cached_property
    def _places(self) -> dict[int, int]:
        return {each: place for place, each in enumerate(self._ids)}

    def __getitem__(self, execution_id: int) -> Verdict:
        return self._tell(self._places[execution_id])

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)
