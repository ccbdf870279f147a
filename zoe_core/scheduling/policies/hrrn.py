"""Highest response ratio next: small ones first, but who waits long enough comes before all."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from zoe_core.scheduling.policies.base import Accounts, Floats, Requests


class Hrrn:
    """By (waited + run time) / expected work, the highest first.

    The response ratio, (waited + run time) / run time (Brinch Hansen, 1971), is made for one
    processor, which each has to itself. Here each takes a part of the cluster, so the ratio is
    divided by that. A waiting one's grows without bound, those of new ones do not: nothing starves.
    """

    elastic_in_order: ClassVar[bool] = True

    def keys(self, requests: Requests, accounts: Accounts, now: float) -> Floats:
        """See ``Policy``."""
        waited = np.maximum(now - requests.submitted, 0.0)
        return -(waited + requests.known_seconds()) / requests.work(accounts.capacity)
