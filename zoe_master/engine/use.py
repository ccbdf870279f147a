"""Counts what users use, for the shares that follow from it."""

from __future__ import annotations

from datetime import datetime, timedelta

from zoe_core.amount import Amount
from zoe_core.cluster import PastUse, Snapshot

COUNT_EVERY = timedelta(seconds=10)
"""Between two counts: what is held now is taken to have been held since the last one. Against a
half-life of a day that is exact, and a count looks at all instances."""


def count_use(snapshot: Snapshot, now: datetime) -> PastUse:
    """The use up to now if it is time to count it, else the one that the snapshot has."""
    past = snapshot.past
    if past.at is not None and now - past.at < COUNT_EVERY:
        return past
    return past.later(now, _held(snapshot))


def _held(snapshot: Snapshot) -> dict[str, Amount]:
    """What each user holds."""
    held: dict[str, Amount] = {}
    for execution in snapshot.executions.values():
        mine = [e.reservation for e in snapshot.instances_of(execution.id) if e.holds_reservation]
        if mine:
            held[execution.user] = sum(mine, held.get(execution.user, Amount()))
    return held
