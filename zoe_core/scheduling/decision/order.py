"""The order in which executions are considered: priority, then the policy, then submission."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoe_core.scheduling.policies import Requests
from zoe_core.scheduling.policies.base import LEAST_SHARE, Floats, shares
from zoe_core.scheduling.state.columns import Frame
from zoe_core.scheduling.state.picture import Picture
from zoe_core.scheduling.state.quota_use import Use


def ranked(picture: Picture, rows: Frame, use: Use, now: float) -> NDArray[np.intp]:
    """The indices of ``rows`` of requests, which are sorted by submission, the first first."""
    by_priority = np.argsort(-rows["priority"], kind="stable")
    rows = rows.take(by_priority)
    return by_priority[np.lexsort((_keys(picture, rows, use, now), -rows["priority"]))]


def order_moves(picture: Picture, rows: Frame, use: Use, now: float) -> bool:
    """Whether the policy's keys change with time alone: of these that wait, or of what is up."""
    return any(
        (_keys(picture, each, use, now) != _keys(picture, each, use, now + 1.0)).any()
        for each in (rows, picture.up.rows)
    )


def _keys(picture: Picture, rows: Frame, use: Use, now: float) -> Floats:
    """The policy's, for rows in the order in which it is to see them."""
    snapshot, capacity = picture.snapshot, picture.room.capacity()
    accounts = picture.roster.accounts(use, snapshot.past, snapshot.quotas, capacity, now)
    return picture.settings.policy.keys(_requests(picture, rows, now), accounts, now)


def _requests(picture: Picture, rows: Frame, now: float) -> Requests:
    whole = rows["whole"].T.astype(float)
    return Requests(
        submitted=rows["submitted"],
        users=picture.roster.rows(rows["user"]),
        seconds=np.fmin(rows["expected"], limits(picture, rows)),
        worked=_worked(picture, rows, whole, now),
        essential=rows["use"][1:].T.astype(float),
        whole=whole,
        size=rows["size"],
    )


def _worked(picture: Picture, rows: Frame, whole: Floats, now: float) -> Floats:
    """Seconds that all instances would have taken for what was done."""
    if not rows["worked"].any():
        return np.zeros(len(rows))
    capacity = picture.room.capacity().astype(float)
    done = shares((rows["working"] * now + rows["worked"]).T, capacity)
    return done / np.maximum(shares(whole, capacity), LEAST_SHARE)


def limits(picture: Picture, rows: Frame) -> NDArray[np.float64]:
    """The hard runtime limits of requests in seconds, nan for none."""
    quotas = picture.holdings.runtime_limits()
    return np.asarray(np.fmin(rows["limit"], quotas[rows["account"]]))
