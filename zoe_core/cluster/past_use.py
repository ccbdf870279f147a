"""What users have used, with less weight the longer ago it was: the memory of fair shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import exp, log

from zoe_core.amount import Amount

HALF_LIFE = 24 * 3600.0
"""Seconds after which use counts half."""

_RATE = log(2) / HALF_LIFE

Use = tuple[float, float, float]
"""Byte-seconds of memory, millicore-seconds, device-seconds that were reserved."""


@dataclass(frozen=True, slots=True)
class PastUse:
    """The decayed use of each user up to the moment ``at``; None: nothing was counted yet."""

    at: datetime | None = None
    by_user: Mapping[str, Use] = field(default_factory=dict)

    def later(self, now: datetime, held: Mapping[str, Amount]) -> PastUse:
        """The use up to ``now`` if users have ``held`` this much ever since ``at``.

        Use decays exponentially, so holding h for t seconds adds h (1 - 2^(-t/L)) L / ln 2, with
        the half-life L.
        """
        seconds = 0.0 if self.at is None else max(0.0, (now - self.at).total_seconds())
        if not seconds:
            return PastUse(now, self.by_user)
        kept, added = decay(seconds)
        by_user = {user: _scaled(use, kept) for user, use in self.by_user.items()}
        for user, amount in held.items():
            old = by_user.get(user, (0.0, 0.0, 0.0))
            by_user[user] = (
                old[0] + amount.memory * added,
                old[1] + amount.millicores * added,
                old[2] + amount.gpus * added,
            )
        return PastUse(now, by_user)


def decay(seconds: float) -> tuple[float, float]:
    """What is left of a unit of use after that time, and what holding one unit meanwhile adds."""
    kept = exp(-_RATE * seconds)
    return kept, (1.0 - kept) / _RATE


def _scaled(use: Use, factor: float) -> Use:
    return use[0] * factor, use[1] * factor, use[2] * factor
