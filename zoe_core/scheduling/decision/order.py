"""The order in which executions are considered: priority, then the policy, then submission."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoe_core.scheduling.policies import Requests
from zoe_core.scheduling.state.columns import Frame
from zoe_core.scheduling.state.picture import Picture
from zoe_core.scheduling.state.quota_use import Use


def ranked(picture: Picture, rows: Frame, use: Use, now: float) -> NDArray[np.intp]:
    """The indices of ``rows`` of requests, which are sorted by submission, the first first."""
    snapshot, roster = picture.snapshot, picture.roster
    requests = Requests(
        submitted=rows["submitted"],
        users=roster.rows(rows["user"]),
        seconds=_seconds_left(picture, rows, now),
        demand=rows["use"][1:].T.astype(float),
        size=rows["size"],
    )
    capacity = picture.room.capacity()
    accounts = roster.accounts(use, snapshot.past, snapshot.quotas, capacity, now)
    keys = picture.settings.policy.keys(requests, accounts, now)
    return np.lexsort((keys, -rows["priority"]))


def _seconds_left(picture: Picture, rows: Frame, now: float) -> NDArray[np.float64]:
    seconds = np.fmin(rows["expected"], limits(picture, rows))
    ran = np.where(np.isnan(rows["started"]), 0.0, now - rows["started"])
    return np.asarray(np.maximum(seconds - ran, 0.0))


def limits(picture: Picture, rows: Frame) -> NDArray[np.float64]:
    """The hard runtime limits of requests in seconds, nan for none."""
    quotas = picture.holdings.runtime_limits()
    return np.asarray(np.fmin(rows["limit"], quotas[rows["account"]]))
