"""Fair shares: dominant-resource fairness over groups and, within each, over users.

A user's share is the largest part that she has of any one resource of the cluster (dominant-
resource fairness: Ghodsi et al., NSDI 2011). The next request is always one of who has the least
share for her weight. Sorted as a whole, that gives each request a start tag: the share that its
user has once all her earlier ones have started (start-time fair queueing: Goyal et al., SIGCOMM
1996). The same is done once more for groups, with the requests of each group in the order of their
users' tags.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import ClassVar

import numpy as np

from zoe_core.cluster.past_use import HALF_LIFE
from zoe_core.scheduling.policies.base import Accounts, Floats, Requests, Rows, shares

_TIME_CONSTANT = HALF_LIFE / log(2)
"""Seconds: who has always held the same amount has used that amount times this, decayed."""


@dataclass(frozen=True, slots=True)
class _Owners:
    """Who shares, one row each: users, or groups of them."""

    used: Floats
    weights: Floats


class Fair:
    """By what the user's group, and within the group the user, has and had for its weight.

    Use in the past counts like what is held now, averaged over about a day. A group counts as one
    however many its users are, with the largest of their weights; who is in no group stands beside
    the groups with her own.
    """

    # What a user has comes before what she wants, so hers would never give anything to herself.
    elastic_in_order: ClassVar[bool] = False

    def keys(self, requests: Requests, accounts: Accounts, now: float) -> Floats:
        """See ``Policy``."""
        if not len(requests.users):
            return np.empty(0)
        demand, capacity = requests.essential, accounts.capacity
        users = _Owners(accounts.held + accounts.past / _TIME_CONSTANT, accounts.weights)
        order = np.arange(len(requests.users))
        tags = _start_tags(demand, order, requests.users, users, capacity)
        rows, groups = _as_groups(users, accounts.groups)
        order = order[np.argsort(tags[order], kind="stable")]
        return _start_tags(demand, order, rows[requests.users], groups, capacity)


def _as_groups(users: _Owners, groups: Rows) -> tuple[Rows, _Owners]:
    """For each user the row of her group, and the groups."""
    named = int(groups.max()) + 1
    rows = np.where(groups < 0, named + np.arange(len(groups)), groups)
    used, weights = np.zeros((named + len(groups), 3)), np.zeros(named + len(groups))
    np.add.at(used, rows, users.used)
    np.maximum.at(weights, rows, users.weights)
    return rows, _Owners(used, weights)


def _start_tags(
    demand: Floats, order: Rows, rows: Rows, owners: _Owners, capacity: Floats
) -> Floats:
    """For each of n requests: its owner's share for the weight once all before it have started.

    ``order`` has the n requests in which those of each owner follow each other; ``rows`` says
    whose each is.
    """
    small = np.min_scalar_type(len(owners.weights))  # numbers of 16 bits are sorted in linear time
    order = order[np.argsort(rows[order].astype(small), kind="stable")]
    owner = rows[order]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    counts = np.diff(first, append=len(owner))
    held = np.empty_like(demand)
    for column in range(3):
        wanted = demand[order, column]
        before = np.cumsum(wanted) - wanted  # exact: whole numbers below 2**53
        before -= np.repeat(before[first], counts)
        held[:, column] = before + owners.used[owner, column]
    tags = np.empty(len(owner))
    tags[order] = shares(held, capacity) / owners.weights[owner]
    return tags
