"""Counts what users use, for the shares that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from zoe_core.amount import Amount
from zoe_core.cluster import PastUse

COUNT_EVERY = timedelta(seconds=10)
"""Between two counts: what is held now is taken to have been held since the last one. Against a
half-life of a day that is exact."""


def count_use(past: PastUse, held: Callable[[], Mapping[str, Amount]], now: datetime) -> PastUse:
    """The use up to now, if it is time to count what users hold; else ``past`` itself."""
    if past.at is not None and now - past.at < COUNT_EVERY:
        return past
    return past.later(now, held())
