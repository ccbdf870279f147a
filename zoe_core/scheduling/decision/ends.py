"""When what runs is expected to end, and the room of each instance to become free."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoe_core.scheduling.decision.order import limits
from zoe_core.scheduling.state.columns import Frame
from zoe_core.scheduling.state.picture import Picture

ANY_TIME = 1e300
"""The end of what runs longer than was expected, and has no limit: after all known ends."""

TICK = 1e-6
"""Seconds: what a clock tells apart. Sums of times are not exact."""

SLACK: Final = 360.0
"""Seconds for which what starts now may hold its room beyond its runtime limit.

The limit counts from when the gang is whole, for which it has 300 s (``StartRules.deadline``), and
when it has passed the instances are given some seconds to end.
"""

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ends:
    """Unix times, one for each of n executions: expected, and at the latest; inf: never.

    ``latest`` of what does not run yet has ``SLACK`` in it.
    """

    likely: Times
    latest: Times


def expected_ends(picture: Picture, rows: Frame, now: float) -> Ends:
    """When the executions of ``rows`` will end; those that wait or start: were they to run now.

    One that has overrun its estimate may end at any time, but nobody should count on that: it
    comes at its limit, or else after all known ends.
    """
    limit = limits(picture, rows)
    begin = np.where(np.isnan(rows["started"]), now, rows["started"])
    latest = np.nan_to_num(begin + limit, nan=inf)
    likely = np.nan_to_num(begin + np.fmin(limit, rows["expected"]), nan=inf)
    overran = np.where(latest < inf, np.maximum(latest, now), ANY_TIME)
    slack = np.where(np.isnan(rows["started"]), SLACK, 0.0)
    return Ends(np.where(likely <= now + TICK, overran, likely), latest + slack)


def release_times(
    held: Frame, up: Frame, ends: Ends, givers: NDArray[np.int64], now: float
) -> Times:
    """When the room of each instance in ``held`` is free, if ``givers`` give their elastic ones.

    ``ends`` are those of the executions in ``up``. What is not up leaves, and so counts as gone.
    """
    order = np.argsort(up["owner"])
    owners = up["owner"][order]
    place = np.searchsorted(owners, held["owner"]).clip(max=max(0, len(owners) - 1))
    times = np.full(len(held), now)
    if len(owners):
        stays = (owners[place] == held["owner"]) & ~held["leaving"]
        times[stays] = ends.likely[order[place[stays]]]
    if len(givers):
        elastic = held["returnable"] & np.isin(held["owner"], givers)
        times[elastic] = np.minimum(times[elastic], np.maximum(held["until"][elastic], now))
    return times
