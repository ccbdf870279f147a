"""The newest snapshot with all that the decision derives from it, refreshed where it changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoe_core.cluster import InstanceView, Snapshot
from zoe_core.scheduling.gang import Demand
from zoe_core.scheduling.nodes.room import Misfit, Room
from zoe_core.scheduling.settings import SchedulingSettings
from zoe_core.scheduling.state.columns import Codes, Columns
from zoe_core.scheduling.state.known import Known, derive
from zoe_core.scheduling.state.quota_use import Holdings
from zoe_core.scheduling.state.roster import Roster
from zoe_core.scheduling.state.tables import (
    HELD,
    REQUEST,
    WANT,
    Kind,
    held_rows,
    request_row,
    want_row,
)

_REMEMBERED: Final = 10_000
"""Demands of which it is remembered whether they fit the empty nodes, beside those that live."""

_FORGET: Final = 10_000
"""New names of users, nodes, images, … after which those that nobody has any more are forgotten."""


class Picture:
    """What a decision reads, and does not change.

    ``queue`` has the executions that wait, ``up`` those that go on, by submission; ``held`` the
    instances that hold their reservation, ``wants`` the elastic ones that could be added.
    """

    def __init__(self, snapshot: Snapshot, settings: SchedulingSettings) -> None:
        self.settings = settings
        self._begin(snapshot)

    def _begin(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.known: dict[int, Known] = {}
        self.failed: set[int] = set()
        self.queue = Columns(REQUEST, ("submitted", "owner"))
        self.up = Columns(REQUEST, ("submitted", "owner"))
        self.held = Columns(HELD, ("owner", "seq"))
        self.wants = Columns(WANT, ("owner", "seq"))
        self.kinds: Codes[Kind] = Codes()
        self.holdings = Holdings(snapshot.quotas)
        self.roster = Roster(self.holdings)
        self.nodes: Codes[str] = Codes()
        self._node_rows = np.empty(0, np.int64)  # by code; only for those that were asked for
        self._take_nodes()
        for execution_id in snapshot.executions:
            self._refresh(execution_id)
        self._most_names = 2 * self._names() + _FORGET

    def update(self, snapshot: Snapshot, changed: Collection[int]) -> None:
        """Take the snapshot that follows, in which these executions are not as they were."""
        if self._names() > self._most_names:
            self._begin(snapshot)
            return
        nodes_changed = snapshot.nodes is not self.snapshot.nodes
        self.snapshot = snapshot
        self.holdings.take_quotas(snapshot.quotas)
        for execution_id in changed:
            self._refresh(execution_id)
        if nodes_changed:
            self._take_nodes()

    # --- questions ---

    def node_rows(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows in the room of nodes by their codes; -1: there is no such node now."""
        names = self.nodes.names[len(self._node_rows) :]
        rows = [self.room.row(name) for name in names]
        self._node_rows = np.concatenate((self._node_rows, np.array(rows, np.int64)))
        return self._node_rows[codes]

    def payer(self, execution_id: int) -> tuple[int, int]:
        """The codes of the user and the account of an execution."""
        view = self.known[execution_id].view
        holdings = self.holdings
        return holdings.users.of(view.user), holdings.accounts.of((view.user, view.groups))

    def too_large(self, demand: Demand) -> bool:
        """Whether it does not fit even if nothing ran."""
        shape = hash(demand)
        if shape not in self._too_large:
            if len(self._too_large) >= _REMEMBERED + 2 * len(self.known):
                self._forget_sizes()
            placed = self.empty.copy().place_gang(demand, self.settings.placement)
            self._too_large[shape] = isinstance(placed, Misfit)
            if self._too_large[shape]:
                self._never.append(shape)
        return self._too_large[shape]

    def known_too_large(self, shapes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For many demands by their hashes, whether ``too_large`` has said so before."""
        if not self._never:
            return np.zeros(len(shapes), np.bool_)
        return np.isin(shapes, self._never)

    # --- changes ---

    def _take_nodes(self) -> None:
        self.room = Room.beside(self.snapshot, self._all_held())
        self.empty = self.room.empty()
        self._forget_sizes()
        self._node_rows = np.empty(0, np.int64)

    def _forget_sizes(self) -> None:
        self._too_large: dict[int, bool] = {}  # by the hash of a demand
        self._never: list[int] = []  # those that are

    def _names(self) -> int:
        users, accounts = self.holdings.users, self.holdings.accounts
        return len(self.kinds) + len(self.nodes) + len(users) + len(accounts)

    def _all_held(self) -> Iterable[InstanceView]:
        return (each for known in self.known.values() for each in known.held)

    def _refresh(self, execution_id: int) -> None:
        old = self.known.get(execution_id)
        if old is not None:
            self._forget(old)
        view = self.snapshot.executions.get(execution_id)
        if view is None:
            self._no_rows(execution_id)
            return
        instances = self.snapshot.instances.get(execution_id, {})
        self._take_in(derive(view, instances, self.settings.defaults, old))

    def _forget(self, old: Known) -> None:
        view = old.view
        del self.known[view.id]
        self.failed.discard(view.id)
        for each in old.held:
            self.room.give_back(each.node, each.reservation, each.devices)
        user = self.holdings.users.of(view.user)
        self.holdings.add(user, old.amount, old.counts, sign=-1)
        self.roster.drop(user, view)

    def _no_rows(self, execution_id: int) -> None:
        for columns in (self.queue, self.up, self.held, self.wants):
            columns.put(execution_id, [])

    def _take_in(self, new: Known) -> None:
        view = new.view
        self.known[view.id] = new
        if new.failed:
            self.failed.add(view.id)
        for each in new.held:
            self.room.take(each.node, each.reservation, each.devices)
        user, account = self.payer(view.id)
        self.holdings.add(user, new.amount, new.counts)
        self.roster.add(user, view)
        request = [request_row(new, user, account, self.kinds)] if new.waits or new.up else []
        self.queue.put(view.id, request if new.waits else [])
        self.up.put(view.id, request if new.up else [])
        self.held.put(view.id, list(held_rows(new, self.nodes)))
        wants = [
            want_row(view.id, seq, want, user, account, self.kinds)
            for seq, want in enumerate(new.wants)
        ]
        self.wants.put(view.id, wants)
