"""Elastic growth: what is left goes to those that run, in order."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoe_core.scheduling.decision.draft import Draft
from zoe_core.scheduling.decision.filter import Mask, may_fit
from zoe_core.scheduling.decision.head import Head, Spare
from zoe_core.scheduling.decision.order import ranked
from zoe_core.scheduling.nodes.room import Spot
from zoe_core.scheduling.state.columns import Frame
from zoe_core.scheduling.state.known import Want, elastic_wants
from zoe_core.scheduling.state.tables import WANT, want_row

_NOBODY: Final = np.empty(0, np.int64)

_LOOK_AGAIN: Final = 10
"""After so many vain tries it is asked again who may fit at all in what is left."""


class Growth:
    """The last part of a pass.

    While somebody waits for room, only what can be taken back for it when its time has come grows
    into any of it, and not even that while room is being made: it would be asked to leave again at
    once. All may grow beside the places that are kept.
    """

    def __init__(self, draft: Draft, head: Head | None, spare: Spare | None) -> None:
        self._draft = draft
        self._spare = spare
        self._head = head
        self._new = dict(self._wants_of_new())
        self._lends_to = _NOBODY

    def run(self) -> None:
        """Give places to elastic instances while any may fit."""
        wants = self._all_wants()
        if len(wants):
            self._lends_to = self._borrowers()
        wants = self._promising(wants)
        order, vain = self._order(wants), 0
        while len(order):
            owner, order = int(order[0]), order[1:]
            vain += not self._grow(owner)
            if vain == _LOOK_AGAIN:
                wants, vain = self._promising(wants), 0
                order = order[np.isin(order, wants["owner"])]

    # --- who wants what ---

    def _wants_of_new(self) -> list[tuple[int, tuple[Want, ...]]]:
        """Of those that start now, what they lack when their gang is there."""
        picture, found = self._draft.picture, []
        for gang in self._draft.gangs:
            known = picture.known[gang.execution_id]
            there = {**known.instances, **{each.id: each for each in gang.instances}}
            wants = elastic_wants(known.view, there, picture.settings.defaults)
            found.append((gang.execution_id, wants))
        return found

    def _wants(self, owner: int) -> tuple[Want, ...]:
        return self._new[owner] if owner in self._new else self._draft.picture.known[owner].wants

    def _borrowers(self) -> NDArray[np.int64]:
        """The executions that will give back to the head what they get."""
        draft, head = self._draft, self._head
        if head is None or head.making_room or head.restart:
            return _NOBODY
        givers = draft.givers(head.id, draft.now)
        if not draft.picture.settings.policy.elastic_in_order:
            return np.concatenate((givers, np.array(list(self._new), np.int64)))
        if head.at is None:
            return givers
        return givers[np.isin(givers, draft.givers(head.id, head.at))]

    def _all_wants(self) -> Frame:
        picture = self._draft.picture
        new = [
            want_row(owner, seq, want, *picture.payer(owner), picture.kinds)
            for owner, wants in self._new.items()
            for seq, want in enumerate(wants)
        ]
        return picture.wants.rows.and_(Frame.of(WANT, new))

    def _promising(self, wants: Frame) -> Frame:
        """Those of which one more instance may have room, and is within its user's quota."""
        use = self._draft.use
        wants = wants.where(~use.over(wants["user"], wants["account"], wants["use"]))
        if self._spare is None:
            return wants.where(self._may_fit(wants, lent=True))
        mask = self._may_fit(wants, lent=False)
        if len(self._lends_to):
            lent = wants["lendable"] & np.isin(wants["owner"], self._lends_to)
            mask |= lent & self._may_fit(wants, lent=True)
        return wants.where(mask)

    def _may_fit(self, wants: Frame, *, lent: bool) -> Mask:
        room = self._draft.room if lent or self._spare is None else self._spare.beside
        if room is None:
            return np.zeros(len(wants), np.bool_)
        return may_fit(room, wants, self._draft.picture.kinds, elastic=True)

    def _order(self, wants: Frame) -> NDArray[np.int64]:
        """The ids of those that want, the first first."""
        if not len(wants):
            return np.empty(0, np.int64)
        running = self._draft.running()
        running = running.where(np.isin(running["owner"], wants["owner"]))
        order = ranked(self._draft.picture, running, self._draft.use, self._draft.now)
        return np.asarray(running["owner"][order])

    # --- growing ---

    def _grow(self, owner: int) -> bool:
        draft, before = self._draft, len(self._draft.grown)
        user, account = draft.picture.payer(owner)
        for want in self._wants(owner):
            amount = want.need.amount
            most = draft.use.how_many(user, account, amount, len(want.instances))
            spots = self._place(owner, want, most)
            draft.grown += [
                each.on(spot) for each, spot in zip(want.instances, spots, strict=False)
            ]
            draft.use.add(user, amount * len(spots))
        return len(draft.grown) > before

    def _place(self, owner: int, want: Want, most: int) -> list[Spot]:
        draft = self._draft
        if self._spare is None:
            return draft.room.place(want.need, most, draft.placement, elastic=True)
        if want.lendable and owner in self._lends_to:
            return self._spare.lend(want.need, most)
        return self._spare.grow_beside(want.need, most)
