"""First come, first served."""

from __future__ import annotations

from typing import ClassVar

from zoe_core.scheduling.policies.base import Accounts, Floats, Requests


class Fifo:
    """By the time of submission."""

    # All that is up came before all that waits: nobody would ever give anything back.
    elastic_in_order: ClassVar[bool] = False

    def keys(self, requests: Requests, accounts: Accounts, now: float) -> Floats:
        """See ``Policy``."""
        return requests.submitted
