"""What becomes of a Jupyter server that idles: when it is warned about, spared, and ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_WARNING = timedelta(minutes=15)


class Step(StrEnum):
    """What is to be done about a server now; SPARE: it was warned about and is active again."""

    NOTHING = "nothing"
    WARN = "warn"
    SPARE = "spare"
    END = "end"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``ends_at`` is when it will be ended, None while it counts as active.

    Nothing else follows before ``look_at``, unless it becomes active.
    """

    step: Step
    ends_at: datetime | None
    look_at: datetime


def warning_time(timeout: timedelta) -> timedelta:
    """How long before its end a server is warned about: 15 minutes, or a quarter of ``timeout``."""
    return min(LONGEST_WARNING, timeout / 4)


def judge(
    active_at: datetime, warned_at: datetime | None, timeout: timedelta, now: datetime
) -> Verdict:
    """Decide about a server that was last active at ``active_at``.

    ``warned_at`` is when the warning began that stands, None without one. Nothing ends before the
    whole time of a warning has passed, however long nobody has looked.
    """
    lead = warning_time(timeout)
    warn_at = active_at + timeout - lead
    if now < warn_at:
        return Verdict(Step.NOTHING if warned_at is None else Step.SPARE, None, warn_at)
    if warned_at is None or warned_at < active_at:  # of an idleness that is over
        ends_at = max(active_at + timeout, now + lead)
        return Verdict(Step.WARN, ends_at, ends_at)
    ends_at = max(active_at + timeout, warned_at + lead)
    return Verdict(Step.NOTHING if now < ends_at else Step.END, ends_at, ends_at)
