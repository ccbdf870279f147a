"""Highest response ratio next: short ones first, but who waits long enough comes before all."""

from __future__ import annotations

import numpy as np

from zoe_core.scheduling.policies.base import Accounts, Floats, Requests


class Hrrn:
    """By (waited + run time) / run time, the highest first (Brinch Hansen, 1971).

    The ratio of a new request is 1 and that of a waiting one grows without bound, so nothing
    starves.
    """

    def keys(self, requests: Requests, accounts: Accounts, now: float) -> Floats:
        """See ``Policy``."""
        seconds = requests.known_seconds()
        waited = np.maximum(now - requests.submitted, 0.0)
        return -(waited + seconds) / seconds
