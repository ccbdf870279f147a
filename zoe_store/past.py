"""What the master asks of the past when its term begins: how long things ran, and who used what.

What is purged must not change the answers, so of each purged execution its run time is kept, and of
each user what she used with these, decayed up to the last time that something of hers was purged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Double,
    Select,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert

from zoe_core.cluster import PastUse
from zoe_core.cluster.past_use import HALF_LIFE
from zoe_store.cluster import HOLDS_RESERVATION
from zoe_store.office import Office
from zoe_store.tables import executions, instances, purged_runs, purged_use

REMEMBERED_RUNS = 10_000
"""Of so many executions, the last that ended, is known how long they ran."""

REMEMBERED_USE = 10 * HALF_LIFE
"""Seconds after which use is forgotten: it counts less than a thousandth then."""

_NOTHING_LEFT = 100 * HALF_LIFE
_AMOUNTS = ("byte_seconds", "millicore_seconds", "gpu_seconds")


@dataclass(frozen=True, slots=True)
class Run:
    """An execution that has ended: whose it was, the name of its ZApp, and how long it ran."""

    user: str
    zapp: str
    seconds: float


def recent_runs(office: Office, limit: int = REMEMBERED_RUNS) -> list[Run]:
    """The executions that ran and ended last, the newest at the end."""
    columns = purged_runs.c
    purged = select(columns.user_name, columns.zapp_name, columns.seconds, columns.ended_at)
    parts = (
        each.order_by(each.selected_columns.ended_at.desc()).limit(limit).subquery()
        for each in (_runs(), purged)
    )
    runs = union_all(*(select(each) for each in parts)).subquery()
    query = select(runs).order_by(runs.c.ended_at.desc()).limit(limit)
    with office.reading() as connection:
        found = connection.execute(query).all()
    return [Run(user, zapp, float(seconds)) for user, zapp, seconds, _ in reversed(found)]


def past_use(office: Office, now: datetime) -> PastUse:
    """What users have used up to ``now``, from their instances; the formula is ``PastUse.later``'s.

    An instance that used r from s to e adds r (2^-(now-e)/L - 2^-(now-s)/L) L / ln 2, with the
    half-life L.
    """
    columns = purged_use.c
    recent = columns.at > _oldest(now)
    decayed = (columns[name] * _kept(columns.at, now) for name in _AMOUNTS)
    parts = union_all(_use(now), select(columns.user_name, *decayed).where(recent)).subquery()
    user, *amounts = parts.c
    query = select(user, *map(func.sum, amounts)).group_by(user)
    with office.reading() as connection:
        return PastUse(now, {name: (*use,) for name, *use in connection.execute(query)})


def remember(connection: Connection, execution_ids: Sequence[int], now: datetime) -> None:
    """Keep what is asked of the past of these executions, which have ended and are purged now."""
    theirs = executions.c.id.in_(execution_ids)
    columns = ("user_name", "zapp_name", "seconds", "ended_at", "execution_id")
    runs = _runs().add_columns(executions.c.id).where(theirs)
    connection.execute(insert(purged_runs).from_select(columns, runs))
    connection.execute(_forget_old_runs())
    connection.execute(_add_use(_use(now).where(theirs), now))


def _runs() -> Select[Any]:
    """User, ZApp, seconds and end of each execution that ran and has ended."""
    columns = executions.c
    return select(
        columns.user_name,
        columns.description["name"].astext.label("zapp_name"),
        func.extract("epoch", columns.ended_at - columns.started_at).cast(Double).label("seconds"),
        columns.ended_at,
    ).where(columns.started_at.is_not(None) & columns.ended_at.is_not(None))


def _forget_old_runs() -> Any:
    """Those that are never asked for, as there are enough newer ones."""
    ends = select(purged_runs.c.ended_at).order_by(purged_runs.c.ended_at.desc())
    last = ends.offset(REMEMBERED_RUNS - 1).limit(1).scalar_subquery()
    return delete(purged_runs).where(purged_runs.c.ended_at < last)


def _use(now: datetime) -> Select[Any]:
    """What each user with instances has used: a row of byte, millicore and device seconds."""
    columns = instances.c
    since = columns.ended_at > _oldest(now)
    until = func.coalesce(columns.ended_at, now)
    weight = HALF_LIFE / log(2) * (_kept(until, now) - _kept(columns.started_at, now))
    amounts = zip((columns.memory, columns.millicores, columns.gpus), _AMOUNTS, strict=True)
    return (
        select(
            executions.c.user_name, *(func.sum(each * weight).label(name) for each, name in amounts)
        )
        .join_from(instances, executions)
        .where(columns.started_at.is_not(None))
        .where(since | (columns.ended_at.is_(None) & HOLDS_RESERVATION))
        .group_by(executions.c.user_name)
    )


def _add_use(use: Select[Any], now: datetime) -> Insert:
    """To what is kept of the same users, which has decayed meanwhile."""
    at = literal(now, DateTime(timezone=True))
    statement = upsert(purged_use).from_select(["user_name", *_AMOUNTS, "at"], use.add_columns(at))
    kept = _kept(purged_use.c.at, now)
    sums = {name: purged_use.c[name] * kept + statement.excluded[name] for name in _AMOUNTS}
    return statement.on_conflict_do_update(
        index_elements=purged_use.primary_key.columns, set_={**sums, "at": at}
    )


def _oldest(now: datetime) -> datetime:
    return now - timedelta(seconds=REMEMBERED_USE)


def _kept(moment: ColumnElement[datetime], now: datetime) -> ColumnElement[float]:
    """How much of what was used at that moment counts now."""
    age = func.extract("epoch", now - moment).cast(Double)
    # Bounded: what is too small for its type is an error to Postgres, not 0.
    half_lives = func.least(func.greatest(0.0, age), _NOTHING_LEFT) / HALF_LIFE
    return func.exp(-half_lives * log(2))
