"""The decision: restarts, then gangs in order, then who may pass the head, then elastic growth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import numpy as np

from zoe_core.scheduling.decision.backfill import BACKFILL_DEPTH, Backfill
from zoe_core.scheduling.decision.draft import Draft
from zoe_core.scheduling.decision.ends import ANY_TIME, expected_ends
from zoe_core.scheduling.decision.growth import Growth
from zoe_core.scheduling.decision.head import Head, Spare, Spots, room_alone
from zoe_core.scheduling.decision.line import Fate, Line
from zoe_core.scheduling.decision.order import order_moves
from zoe_core.scheduling.decision.reservation import reserve
from zoe_core.scheduling.decision.shrink import next_release
from zoe_core.scheduling.decision.verdicts import Scene
from zoe_core.scheduling.gang import Demand, Unplaced
from zoe_core.scheduling.nodes.room import Misfit
from zoe_core.scheduling.plan import Plan
from zoe_core.scheduling.state.known import Known
from zoe_core.scheduling.state.picture import Picture

REORDER_AFTER: Final = 300.0
"""Seconds after which a plan is reviewed, at the soonest, when the order changes with time."""

_YEAR: Final = 365 * 86_400.0

GO_ON_AFTER: Final = 1.0
"""Seconds after which a pass goes on that gave up before it found the head."""


def plan(picture: Picture, now: datetime) -> Plan:
    """Plan what starts now.

    Essential instances that failed and may start again go first, then gangs. The first of all for
    which there is no room is the head: elastic instances are taken back for it, if that makes room,
    or else it gets a reservation. Other gangs start before it only as ``Backfill`` says. What is on
    hold, still leaving after a failed start, over its user's quota or too large for the nodes that
    are here now holds back nobody.
    """
    decision = _decide(picture, now, careful=False)
    if not decision.head_keeps_its_place():
        decision = _decide(picture, now, careful=True)
    return decision.plan()


def _decide(picture: Picture, now: datetime, *, careful: bool) -> _Decision:
    """``careful``: see whether the head keeps its place with each that gets one, not only once."""
    decision = _Decision(picture, now, careful=careful)
    decision.restart()
    decision.start()
    decision.overtake()
    decision.grow()
    return decision


class _Decision:
    def __init__(self, picture: Picture, now: datetime, *, careful: bool) -> None:
        self._careful = careful
        self._picture = picture
        self._draft = Draft(picture, now)
        self._head: Head | None = None
        self._spare: Spare | None = None
        self._overtook = 0
        self._lacking: dict[int, Unplaced] = {}  # by execution, the first that does not restart
        self._cut = False

    @cached_property
    def _line(self) -> Line:
        """The queue; not looked at before the restarts have taken their part of the quotas."""
        return Line(self._draft)

    # --- essential instances that failed ---

    def restart(self) -> None:
        """Give new places to essential instances that failed; the first without room is the head.

        Others pass it beside its places, or, while nobody knows when it will find room, as often as
        ``max_overtake`` allows.
        """
        for known, wanted in self._failed():
            demand = ((wanted.need, 1),)
            placed = self._place_again(known, demand)
            if not isinstance(placed, Misfit | None):
                self._draft.restarted.append(wanted.on(placed[0][0]))
                self._draft.use.add(self._picture.payer(known.view.id)[0], wanted.need.amount)
                continue
            self._lacking.setdefault(known.view.id, wanted)
            if placed is not None and self._could_restart(known, demand):
                self._lacking[known.view.id] = wanted
                self._wait_for(known, demand, placed)

    def _place_again(self, known: Known, demand: Demand) -> Spots | Misfit | None:
        """Places for an instance that failed; a Misfit while there is no head, None behind it."""
        if self._head is None or self._spare is None:
            return self._draft.room.place_gang(demand, self._draft.placement)
        head, most = self._head, self._picture.settings.max_overtake
        spots = self._spare.place_beside(demand)
        may_pass = head.at is None and head.id != known.view.id
        if spots is not None or not may_pass or head.overtaken + self._overtook >= most:
            return spots
        placed = self._spare.place(demand)
        if isinstance(placed, Misfit):
            return None
        self._overtook += 1
        return placed

    def _failed(self) -> Iterator[tuple[Known, Unplaced]]:
        if not self._picture.failed:
            return
        for execution_id in self._draft.up_order.tolist():
            known = self._picture.known[execution_id]
            for wanted in known.failed:
                yield known, wanted

    def _could_restart(self, known: Known, demand: Demand) -> bool:
        room = room_alone(self._picture.empty, known, self._draft.restarted)
        return not isinstance(room.place_gang(demand, self._draft.placement), Misfit)

    # --- gangs ---

    def start(self) -> None:
        """Start the gangs of the queue in order, up to the first for which there is no room.

        Gives up after ``BACKFILL_DEPTH`` that are found too large: the next pass knows these.
        """
        if self._head is not None:
            return
        self._pass_over_the_too_large()
        vain = 0
        for row in self._line.open().tolist():
            if self._line.fates[row] != Fate.BEHIND:  # that became known meanwhile
                continue
            if vain == BACKFILL_DEPTH:
                self._give_up()
                return
            known = self._line.known(row)
            placed = self._draft.room.place_gang(known.demand, self._draft.placement)
            if not isinstance(placed, Misfit):
                self._line.start(row, known, placed)
            elif self._picture.too_large(known.demand):
                self._line.too_large(row)
                vain += 1
            else:
                self._line.fates[row] = Fate.HEAD
                self._wait_for(known, known.demand, placed)
                return

    def _pass_over_the_too_large(self) -> None:
        rows = self._line.open()
        known = self._picture.known_too_large(self._line.rows["shape"][rows])
        self._line.fates[rows[known]] = Fate.TOO_LARGE

    def _give_up(self) -> None:
        self._cut = True
        self._line.fates[self._line.open()] = Fate.NOT_TRIED

    def _wait_for(self, known: Known, demand: Demand, misfit: Misfit) -> None:
        self._head = Head(
            id=known.view.id,
            demand=demand,
            misfit=misfit,
            room=self._draft.room.copy(),
            restart=known.up,
            overtaken=known.view.overtaken,
            reservation=reserve(self._draft, known.view.id, demand),
        )
        self._spare = Spare(
            self._draft.room, self._head, self._draft.placement, careful=self._careful
        )

    def overtake(self) -> None:
        """Start what may start before the head."""
        if self._head is None or self._spare is None:
            return
        backfill = Backfill(self._draft, self._line, self._head, self._spare)
        backfill.run()
        self._overtook += backfill.overtook

    def grow(self) -> None:
        """Give what is left to elastic instances, of what is up and of what starts now."""
        if self._cut:  # somebody who was not tried may need it
            return
        Growth(self._draft, self._head, self._spare).run()

    def head_keeps_its_place(self) -> bool:
        """Whether nothing that got a place makes the head lose its own later."""
        return self._spare is None or self._spare.head_fits()

    # --- the outcome ---

    def plan(self) -> Plan:
        """What was decided."""
        draft, line = self._draft, self._line
        waiting = line.order[line.fates[line.order] != Fate.STARTS]
        ids = tuple(line.rows["owner"][waiting].tolist())
        head = self._head
        overtaken = {head.id: head.overtaken + self._overtook} if head and self._overtook else {}
        reservation = None if head is None else head.reservation
        scene = Scene(draft, head, self._overtook)
        return Plan(
            gangs=tuple(draft.gangs),
            restarted=tuple(draft.restarted),
            grown=tuple(draft.grown),
            taken=() if reservation is None else reservation.taken,
            overtaken=overtaken,
            waiting=ids,
            verdicts=scene.on_queue(ids, line.fates[waiting]),
            lacking=scene.on_restarts(self._lacking),
            review_at=self._review_at(),
        )

    def _review_at(self) -> datetime | None:
        """When time alone may change the plan: while nobody waits for room it does not."""
        if self._cut:
            return datetime.fromtimestamp(self._draft.now + GO_ON_AFTER, UTC)
        if self._head is None:
            return None
        moments = [self._next_overrun(), self._next_order()]
        if not self._head.making_room:
            moments.append(next_release(self._picture, self._draft.now))
        earliest = min((each for each in moments if each is not None), default=None)
        return None if earliest is None else datetime.fromtimestamp(earliest, UTC)

    def _next_overrun(self) -> float | None:
        """When the next of what is up will have run as long as expected, and may go on."""
        up = self._picture.up.rows
        ends = expected_ends(self._picture, up, self._draft.now)
        guessed = (ends.likely < ends.latest) & (ends.likely < ANY_TIME)
        return min(ends.likely[guessed & ~np.isnan(up["started"])].tolist(), default=None)

    def _next_order(self) -> float | None:
        """When to look again at an order that changes with time alone: who is next, who gives.

        Each time when it has waited twice as long as the last time; never again after a year.
        """
        draft, head = self._draft, self._head
        if head is None or head.restart:
            return None
        waited = draft.now - self._picture.known[head.id].view.submitted_at.timestamp()
        later = draft.now + max(REORDER_AFTER, waited)
        if waited > _YEAR or not order_moves(self._picture, self._line.rows, draft.use, draft.now):
            return None
        return later
