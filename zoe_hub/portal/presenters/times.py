"""Times as people read them; the moment that counts as now is always an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_DAYS_TOLD = 30


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment in three forms: for machines, for a tooltip and for reading."""

    iso: str
    exact: str
    ago: str


def moment(at: datetime, now: datetime) -> Moment:
    """Make ``2026-11-02T14:05:09+00:00``, ``2 Nov 2026, 14:05:09 UTC`` and ``3 min ago``."""
    utc = at.astimezone(UTC)
    exact = f"{utc.day} {utc:%b %Y, %H:%M:%S} UTC"
    return Moment(utc.isoformat(timespec="seconds"), exact, ago(at, now))


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in the largest whole unit: ``just now``, ``40 s ago``, ``3 min ago``.

    After a month the date itself says more. The same words are in ``static/js/times.js``.
    """
    seconds = int((now - at).total_seconds())
    if seconds < 5:  # a few seconds in the future too: two machines' clocks are never equal
        return "just now"
    if seconds < _MINUTE:
        return f"{seconds} s ago"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min ago"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h ago"
    days = seconds // _DAY
    if days <= _DAYS_TOLD:
        return "1 day ago" if days == 1 else f"{days} days ago"
    utc = at.astimezone(UTC)
    return f"on {utc.day} {utc:%b %Y}"


def duration(start: datetime, end: datetime) -> str:
    """How long it lasted, in its two largest units: ``45 s``, ``3 min 5 s``, ``2 h 10 min``."""
    return seconds_in_words((end - start).total_seconds())


def seconds_in_words(seconds: float) -> str:
    """A length of time in its two largest units: ``45 s``, ``3 min 5 s``, ``2 h 10 min``."""
    seconds = max(0, round(seconds))
    days, rest = divmod(seconds, _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    told = [f"{count} {unit}" for count, unit in parts[:2] if count]
    return " ".join(told) or "0 s"
