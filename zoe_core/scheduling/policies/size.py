"""Least expected work first: the least waiting on average, at the cost of large requests."""

from __future__ import annotations

from typing import ClassVar

from zoe_core.scheduling.policies.base import Accounts, Floats, Requests


class Size:
    """By expected run time times the dominant share of the cluster that is reserved meanwhile.

    Large requests wait as long as smaller ones keep coming.
    """

    elastic_in_order: ClassVar[bool] = True

    def keys(self, requests: Requests, accounts: Accounts, now: float) -> Floats:
        """See ``Policy``."""
        return requests.work(accounts.capacity)
