"""First come, first served."""

from __future__ import annotations

from zoe_core.scheduling.policies.base import Accounts, Floats, Requests


class Fifo:
    """By the time of submission."""

    def keys(self, requests: Requests, accounts: Accounts, now: float) -> Floats:
        """See ``Policy``."""
        return requests.submitted
