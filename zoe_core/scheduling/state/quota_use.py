"""What users hold, against what their quotas let them hold."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionView, Quota, Quotas
from zoe_core.scheduling.state.columns import Codes, grown

LIMITS: Final = ("executions", "memory", "millicores", "gpus")
"""What a quota limits at a time, in the order of the columns here."""

UNLIMITED = 2**62

Held = NDArray[np.int64]
"""A row for each user: executions, bytes, millicores, GPUs."""

Account = tuple[str, tuple[str, ...]]
"""A user with the groups she was in at submission: the same quota for all with the same."""


def runtime_limit(execution: ExecutionView, quotas: Quotas) -> float | None:
    """Seconds that it may run, from its start: the smaller of its ZApp's and its user's limit."""
    quota = quotas.of(execution.user, execution.groups)
    return quota.runtime_limit_beside(execution.zapp.runtime_limit)


def weights_of(amount: Amount, executions: int = 0) -> tuple[int, int, int, int]:
    """An amount, and a number of executions, as quotas count them."""
    return executions, amount.memory, amount.millicores, amount.gpus


def limits_of(quota: Quota) -> tuple[int, ...]:
    """The limits of a quota in the order of ``LIMITS``."""
    return tuple(
        UNLIMITED if limit is None else limit for limit in (getattr(quota, name) for name in LIMITS)
    )


class Use:
    """What each user holds while a plan is made, in arrays by the codes of users and accounts."""

    def __init__(self, held: Held, limits: NDArray[np.int64]) -> None:
        self.held = held
        self.limits = limits

    def add(self, user: int, amount: Amount, executions: int = 0) -> None:
        """She holds that much more."""
        self.held[user] += weights_of(amount, executions)

    def over(
        self, users: NDArray[np.int64], accounts: NDArray[np.int64], more: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """For n users, with their accounts, whether ``more`` (4 x n) would be over the quota.

        Who is over it already may still have more of what is not limited so far.
        """
        mask = np.zeros(len(users), np.bool_)
        for each, held, limit in zip(more, self.held.T, self.limits.T, strict=True):
            if (limit < UNLIMITED).any():
                mask |= (each > 0) & (held[users] + each > limit[accounts])
        return mask

    @cached_property
    def limited(self) -> bool:
        """Whether any quota limits anything of what is held at a time."""
        return bool((self.limits < UNLIMITED).any())

    def how_many(self, user: int, account: int, amount: Amount, most: int) -> int:
        """How many instances more of ``amount`` the quota allows, up to ``most``."""
        left = (self.limits[account] - self.held[user])[1:].tolist()
        for free, wanted in zip(left, weights_of(amount)[1:], strict=True):
            if wanted:
                most = min(most, free // wanted)
        return max(0, most)


class Holdings:
    """What users hold in the newest picture, kept up to date as executions change."""

    def __init__(self, quotas: Quotas) -> None:
        self.users: Codes[str] = Codes()
        self.accounts: Codes[Account] = Codes()
        self._held: Held = np.zeros((0, 4), np.int64)
        self._set_quotas(quotas)

    def _set_quotas(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._limits = np.zeros((0, 4), np.int64)
        self._runtime = np.zeros(0)
        self._known = 0

    def take_quotas(self, quotas: Quotas) -> None:
        """Other quotas hold from now on."""
        if quotas is not self._quotas:
            self._set_quotas(quotas)

    def add(self, user: int, amount: Amount, up: bool, sign: int = 1) -> None:
        """She holds ``amount`` more, of an execution that is ``up``; with ``sign`` -1: less."""
        self._held = grown(self._held, len(self.users))
        self._held[user] += np.multiply(weights_of(amount, int(up)), sign)

    def by_user(self) -> dict[str, Amount]:
        """What is held now, by the name of the user; who holds nothing is left out."""
        names = self.users.names
        held = grown(self._held, len(names))[: len(names), 1:].tolist()
        return {name: Amount(*row) for name, row in zip(names, held, strict=True) if any(row)}

    def use(self) -> Use:
        """What is held now, to be added to."""
        self._know_accounts()
        self._held = grown(self._held, len(self.users))
        return Use(self._held.copy(), self._limits)

    def runtime_limits(self) -> NDArray[np.float64]:
        """The runtime limit of each account in seconds, nan for none."""
        self._know_accounts()
        return self._runtime

    def _know_accounts(self) -> None:
        new = self.accounts.names[self._known :]
        if not new:
            return
        quotas = [self._quotas.of(*account) for account in new]
        limits = np.array([limits_of(each) for each in quotas], np.int64)
        runtime = [np.nan if each.runtime_limit is None else each.runtime_limit for each in quotas]
        # New arrays: a plan may still hold the old ones.
        self._limits = np.concatenate((self._limits, limits))
        self._runtime = np.concatenate((self._runtime, np.array(runtime, float)))
        self._known = len(self.accounts)
