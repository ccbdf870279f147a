"""What the master asks of the past when its term begins: how long things ran, and who used what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log

from sqlalchemy import ColumnElement, Double, func, select

from zoe_core.cluster import PastUse
from zoe_core.cluster.past_use import HALF_LIFE
from zoe_store.cluster import HOLDS_RESERVATION
from zoe_store.office import Office
from zoe_store.tables import executions, instances

REMEMBERED_RUNS = 10_000
"""Of so many executions, the last that ended, is known how long they ran."""

REMEMBERED_USE = 10 * HALF_LIFE
"""Seconds after which use is forgotten: it counts less than a thousandth then."""


@dataclass(frozen=True, slots=True)
class Run:
    """An execution that has ended: whose it was, the name of its ZApp, and how long it ran."""

    user: str
    zapp: str
    seconds: float


def recent_runs(office: Office, limit: int = REMEMBERED_RUNS) -> list[Run]:
    """The executions that ran and ended last, the newest at the end."""
    columns = executions.c
    query = (
        select(
            columns.user_name,
            columns.description["name"].astext,
            func.extract("epoch", columns.ended_at - columns.started_at),
        )
        .where(columns.started_at.is_not(None) & columns.ended_at.is_not(None))
        .order_by(columns.ended_at.desc())
        .limit(limit)
    )
    with office.reading() as connection:
        found = connection.execute(query).all()
    return [Run(user, zapp, float(seconds)) for user, zapp, seconds in reversed(found)]


def past_use(office: Office, now: datetime) -> PastUse:
    """What users have used up to ``now``, from their instances; the formula is ``PastUse.later``'s.

    An instance that used r from s to e adds r (2^-(now-e)/L - 2^-(now-s)/L) L / ln 2, with the
    half-life L.
    """
    columns = instances.c
    since = columns.ended_at > now - timedelta(seconds=REMEMBERED_USE)
    until = func.coalesce(columns.ended_at, now)
    scale = HALF_LIFE / log(2)
    weight = scale * (_kept(until, now) - _kept(columns.started_at, now))
    amounts = (columns.memory, columns.millicores, columns.gpus)
    query = (
        select(executions.c.user_name, *(func.sum(each * weight) for each in amounts))
        .join_from(instances, executions)
        .where(columns.started_at.is_not(None))
        .where(since | (columns.ended_at.is_(None) & HOLDS_RESERVATION))
        .group_by(executions.c.user_name)
    )
    with office.reading() as connection:
        return PastUse(now, {user: (*use,) for user, *use in connection.execute(query)})


def _kept(moment: ColumnElement[datetime], now: datetime) -> ColumnElement[float]:
    """How much of what was used at that moment counts now."""
    age = func.greatest(0.0, func.extract("epoch", now - moment))
    return func.exp(-age.cast(Double) * (log(2) / HALF_LIFE))
