"""Amounts, times and names in the words of a terminal, and read back; nothing is printed here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from io import IncrementalNewlineDecoder

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_DAYS_TOLD = 30

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)")
_SECONDS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def printable(text: str) -> str:
    """The text on one line, with ``?`` for all that could speak to a terminal or turn it round.

    For names, reasons and whatever else somebody else has written.
    """
    return "".join(
        each if each.isprintable() else " " if each in "\n\t" else "?" for each in text.strip()
    )


def plain_lines(pieces: Iterable[str]) -> Iterator[str]:
    """Text whose lines end as those of commands do: CSV has carriage returns, for spreadsheets."""
    lines = IncrementalNewlineDecoder(None, translate=True)
    for piece in pieces:
        yield lines.decode(piece)
    yield lines.decode("", final=True)


def duration(seconds: float | None) -> str:
    """How long, in its two largest units: ``45s``, ``3m 5s``, ``2h 10m``; None: ``-``."""
    if seconds is None:
        return "-"
    days, rest = divmod(max(0, round(seconds)), _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (left, "s")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{count}{unit}" for count, unit in parts[:2] if count) or "0s"


def between(start: datetime | None, end: datetime | None) -> str:
    """How long from ``start`` to ``end``; a dash when one is not known."""
    return "-" if start is None or end is None else duration((end - start).total_seconds())


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit: ``40 s ago``, ``3 min ago``; the date after a month."""
    if at is None:
        return "-"
    seconds = int((now - at).total_seconds())
    if seconds < 5:  # a few seconds in the future too: two machines' clocks are never equal
        return "just now"
    for unit, length in (("day", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        count = seconds // length
        if unit == "day" and count > _DAYS_TOLD:
            return f"{at.astimezone():%Y-%m-%d}"
        if count:
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return f"{seconds} s ago"


def exact(at: datetime | None) -> str:
    """The moment in UTC to the second, ``2026-11-02T14:05:09Z``, as programs sort it."""
    return "-" if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def clock(at: datetime | None) -> str:
    """The moment in the terminal's own time zone: ``2026-11-02 15:05:09 CET``."""
    return "-" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S %Z}".strip()


def number(value: float) -> str:
    """A number with at most three decimal places: ``0.5``, ``12``."""
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"


def read_duration(text: str) -> float:
    """The seconds of ``90``, ``90s``, ``5m``, ``2h``, ``3d`` or ``1h30m``. Raises ValueError."""
    compact = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", compact):
        return float(compact)
    if not re.fullmatch(rf"({_DURATION.pattern}\s*)+", compact):
        raise ValueError(f"is {text!r}: must be a time such as 90s, 5m, 2h, 3d or 1h30m")
    return sum(float(count) * _SECONDS[unit] for count, unit in _DURATION.findall(compact))


def read_size(text: str) -> int:
    """The bytes of ``8GB``, ``512M``, ``1.5g`` or ``1048576``; 1 GB is 2**30. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"is {text!r}: must be an amount of memory such as 512MB or 8GB")
    return round(float(found[1]) * 1024 ** _POWERS[found[2].lower()])


def read_moment(text: str, now: datetime) -> datetime:
    """The moment of ``2026-11-02``, ``2026-11-02T14:05``, or ``2h``: so long before ``now``.

    Without a zone it is the terminal's own. Raises ValueError.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    else:
        return moment.astimezone(UTC)
    try:
        return now - timedelta(seconds=read_duration(text))
    except (ValueError, OverflowError):
        raise ValueError(
            f"is {text!r}: must be a date such as 2026-11-02 or 2026-11-02T14:05, "
            "or how long ago, such as 2h or 3d"
        ) from None
