"""Days, weeks and months of UTC: where each of them begins in a period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal

Interval = Literal["day", "week", "month"]
"""Weeks begin on Mondays."""

_LONGEST = {"day": 1, "week": 7, "month": 31}  # days


def begin(day: date, interval: Interval) -> date:
    """The first day of the interval that ``day`` is in."""
    match interval:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)


def begins(since: datetime, until: datetime, interval: Interval) -> Iterator[date]:
    """The first day of each interval that a part of the period is in, ``until`` excluded."""
    last = (until.astimezone(UTC) - timedelta(microseconds=1)).date()
    day = begin(since.astimezone(UTC).date(), interval)
    while day <= last:
        yield day
        day = begin(day + timedelta(days=_LONGEST[interval]), interval)


def at_most(since: datetime, until: datetime, interval: Interval) -> int:
    """How many intervals a period has, or a few more: cheap however long it is."""
    shortest = {"day": 1, "week": 7, "month": 28}[interval]
    return (until - since).days // shortest + 2
