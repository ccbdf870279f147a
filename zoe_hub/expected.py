"""What is known of a start that is still to come, as a document with a sentence for people."""

from __future__ import annotations

from datetime import datetime

from zoe_core.protocol import Estimated
from zoe_core.protocol import ExpectedStart as Foreseen
from zoe_core.protocol.rest import ExpectedStart
from zoe_core.waiting import AT_ONCE, StartEstimate, sentence

NO_ESTIMATE = "No estimate."
"""What runs may have no history and no limit; why something waits is told beside it."""

OVERDUE = "It should have started by now: what runs takes longer than expected."
LATE = 60.0
"""Seconds after the latest moment that was expected, from which on it is called overdue."""


def of_waiting(foreseen: Foreseen | None, now: datetime) -> ExpectedStart:
    """The document of something that waits."""
    if foreseen is None:
        return ExpectedStart(status="unknown", text=NO_ESTIMATE)
    latest = foreseen.high or foreseen.mid
    if (now - latest).total_seconds() > LATE:
        return ExpectedStart(status="unknown", text=OVERDUE)
    low, mid = _until(foreseen.low, now), _until(foreseen.mid, now)
    high = None if foreseen.high is None else _until(foreseen.high, now)
    if mid < AT_ONCE:
        text = "Starts any moment."
        return ExpectedStart(status="now", low_s=low, mid_s=mid, high_s=high, text=text)
    return _document(low, mid, high)


def of_launch(estimated: Estimated) -> ExpectedStart:
    """The document of something that might be launched now."""
    low, mid, high = estimated.low, estimated.mid, estimated.high
    if mid is None:
        return ExpectedStart(status="unknown", text=estimated.sentence)
    return _document(low, mid, high)


def _document(low: float | None, mid: float, high: float | None) -> ExpectedStart:
    return ExpectedStart(
        status="now" if mid < AT_ONCE else "later",
        low_s=low,
        mid_s=mid,
        high_s=high,
        text=sentence(StartEstimate(low, mid, high)),
    )


def _until(moment: datetime, now: datetime) -> float:
    return max(0.0, (moment - now).total_seconds())
