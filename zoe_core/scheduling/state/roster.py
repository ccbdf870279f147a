"""The users that have executions, as policies see them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoe_core.cluster import ExecutionView, PastUse, Quotas
from zoe_core.cluster.past_use import decay
from zoe_core.scheduling.nodes.node_table import Amounts
from zoe_core.scheduling.policies import Accounts
from zoe_core.scheduling.state.quota_use import Holdings, Use

_NONE = (0.0, 0.0, 0.0)

Groups = tuple[str, ...]


class Roster:
    """One row for each user that has live executions, by name.

    A user's groups are those of her newest execution.
    """

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._live: dict[int, dict[int, Groups]] = {}  # by user and id
        self._changed: set[int] = set()
        self._groups: dict[int, Groups] = {}  # by user
        self._quotas: Quotas | None = None
        self._past: PastUse | None = None
        self._enrol()

    def add(self, user: int, view: ExecutionView) -> None:
        """She has this execution."""
        self._live.setdefault(user, {})[view.id] = view.groups
        self._changed.add(user)

    def drop(self, user: int, view: ExecutionView) -> None:
        """She has it no more."""
        del self._live[user][view.id]
        self._changed.add(user)

    def rows(self, users: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of users by their codes."""
        self._settle()
        return self._rows[users]

    def accounts(
        self, use: Use, past: PastUse, quotas: Quotas, capacity: Amounts, now: float
    ) -> Accounts:
        """What the users hold and have held up to the Unix time ``now``."""
        self._settle()
        if quotas is not self._quotas:
            self._weigh(quotas)
        if past is not self._past:
            self._remember(past)
        seconds = 0.0 if past.at is None else max(0.0, now - past.at.timestamp())
        kept, added = decay(seconds)
        held = use.held[self._users, 1:].astype(float)
        return Accounts(
            held=held,
            past=kept * self._used + added * held,
            weights=self._weights,
            groups=self._group_rows,
            capacity=capacity.astype(float),
        )

    def _settle(self) -> None:
        """Find out whose newest execution is another, or the first, or whose last one is gone."""
        other = False
        for user in self._changed:
            mine = self._live[user]
            groups = mine[max(mine)] if mine else None
            other = other or groups != self._groups.get(user)
            if groups is None:
                self._groups.pop(user, None)
                del self._live[user]
            else:
                self._groups[user] = groups
        self._changed.clear()
        if other:
            self._enrol()

    def _enrol(self) -> None:
        names = self._holdings.users.names
        users = sorted(self._groups, key=names.__getitem__)
        self._users = np.array(users, np.int64)  # code of the user in each row
        self._rows = np.full(len(names), -1, np.int64)  # the way back
        self._rows[self._users] = np.arange(len(users))
        first = [min(self._groups[user], default=None) for user in users]
        known = {name: row for row, name in enumerate(sorted({each for each in first if each}))}
        rows = [known[each] if each else -1 for each in first]
        self._group_rows = np.array(rows, np.int64)
        self._quotas = self._past = None

    def _weigh(self, quotas: Quotas) -> None:
        names = self._holdings.users.names
        weights = [
            quotas.of(names[user], self._groups[user]).weight for user in self._users.tolist()
        ]
        self._weights = np.array(weights, float)
        self._quotas = quotas

    def _remember(self, past: PastUse) -> None:
        names = self._holdings.users.names
        used = [past.by_user.get(names[user], _NONE) for user in self._users.tolist()]
        self._used = np.array(used, float).reshape(-1, 3)
        self._past = past
