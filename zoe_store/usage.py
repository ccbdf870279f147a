"""Who used how much in a period: from what is in the database, and from the totals of the purged.

An instance uses what was reserved for it, from when it was seen running until it was seen gone. The
part of that within the period counts: cores x time, memory x time, GPUs x time. An execution counts
in the period in which it ended: once, if the periods follow each other.

Of what was purged the totals of whole days (UTC) are known: a day counts as a whole, in the period
in which it begins. Periods that begin and end with such a day are exact.
A series has the same by days, weeks or months, for those who used most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    DateTime,
    Double,
    FromClause,
    Label,
    Select,
    Subquery,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB

from zoe_core.intervals import Interval
from zoe_core.protocol.rest_admin import SeriesGroup, UsageGroup
from zoe_store.database import Database
from zoe_store.tables import executions, instances, usage_totals

KEY = ("day", "user_name", "groups", "zapp")
AMOUNTS = (
    "executions",
    "failed",
    "ran",
    "wait_seconds",
    "millicore_seconds",
    "byte_seconds",
    "gpu_seconds",
)
"""What is added up: the columns of ``usage_totals`` beside its key."""

_COMPARED = ("executions", "millicore_seconds", "byte_seconds", "gpu_seconds")

# Of UTC: '1 day' would be one of the session's time zone.
_DAY: ColumnElement[timedelta] = literal_column("interval '24 hours'")
_WHEN = DateTime(timezone=True)
_NONE, _NAMELESS = literal([], JSONB), literal([""], JSONB)
_WAS_HELD = func.tstzrange(
    func.least(instances.c.started_at, instances.c.ended_at), instances.c.ended_at
)
"""As the index ``ix_instances_held`` has it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used under one key; seconds, thousandths of a core, bytes.

    ``ran`` counts the executions that had run when they ended, which waited ``wait_seconds`` for
    that together.
    """

    key: str
    executions: int
    failed: int
    ran: int
    wait_seconds: float
    millicore_seconds: float
    byte_seconds: float
    gpu_seconds: float


@dataclass(frozen=True, slots=True)
class UsageAt:
    """What was used from the day ``start`` on, for one interval.

    With ``rest`` it is the sum of all keys but those who used most, and its key is empty.
    """

    start: date
    rest: bool
    used: Usage


def usage(
    database: Database,
    since: datetime,
    until: datetime,
    now: datetime,
    *,
    group_by: UsageGroup = "user",
    user: str | None = None,
) -> list[Usage]:
    """What was used from ``since`` until before ``until``, of everybody or of one user.

    By user, group, ZApp or UTC day, by that key. The key is empty for executions of users without a
    group, and for descriptions of users' own. An execution of a user in two groups counts for both.
    What is held now counts up to ``now``. Costs grow with what was held or ended in the period.
    """
    parts = _parts(since, until, now)
    query = _added_up(parts, group_by, user).order_by("key")
    with database.transaction() as connection:
        return [_usage(row) for row in connection.execute(query)]


def series(
    database: Database,
    since: datetime,
    until: datetime,
    now: datetime,
    *,
    interval: Interval,
    most: int,
    group_by: SeriesGroup = "user",
    user: str | None = None,
) -> list[UsageAt]:
    """The same over time: by interval the ``most`` keys who used most, and then the rest.

    Who uses most is decided once for the period: by the largest of the shares that a key has of all
    cores, memory, GPUs and executions. Intervals are those of UTC; of the first and the last
    only what is in the period counts. Intervals without use are left out.
    """
    parts = _parts(since, until, now)
    start = cast(func.date_trunc(interval, cast(parts.c.day, DateTime())), Date).label("start")
    cells = _added_up(parts, group_by, user, start).cte("cells")
    with database.transaction() as connection:
        rows = connection.execute(_of_the_first(cells, most)).all()
    return [UsageAt(row.start, row.rest, _usage(row[2:])) for row in rows]


def _of_the_first(cells: CTE, most: int) -> Select[Any]:
    """The ``most`` keys of ``cells`` with the largest shares, and the others summed up."""
    shares = []
    for name in _COMPARED:
        total = select(func.sum(cells.c[name])).scalar_subquery()
        shares.append(func.sum(cells.c[name]) / func.nullif(cast(total, Double), 0))
    order = (func.greatest(*shares).desc().nulls_last(), cells.c.key)
    place = func.row_number().over(order_by=order).label("place")
    ranked = select(cells.c.key, place).group_by(cells.c.key).cte("ranked")
    rest = (ranked.c.place > most).label("rest")
    shown = case((ranked.c.place <= most, cells.c.key), else_="").label("shown")
    sums = (func.sum(cells.c[name]) for name in AMOUNTS)
    return (
        select(cells.c.start, rest, shown, *sums)
        .join_from(cells, ranked, cells.c.key == ranked.c.key)
        .group_by(cells.c.start, rest, shown)
        .order_by(cells.c.start, func.min(ranked.c.place))
    )


def _parts(since: datetime, until: datetime, now: datetime) -> Subquery:
    """A row for all that counts in the period, with the columns ``KEY`` and ``AMOUNTS``."""
    period = func.tstzrange(since, until)
    ended_at = executions.c.ended_at
    day = usage_totals.c.day
    totals = (usage_totals.c[name] for name in (*KEY, *AMOUNTS))
    purged = select(*totals).where(day > _day_before(since), day <= _day_before(until))
    return union_all(
        _held(_WAS_HELD.op("&&")(period), since, until, now),
        _ended((ended_at >= since) & (ended_at < until)),
        purged,
    ).subquery("parts")


def sums_of(execution_ids: Sequence[int]) -> Select[Any]:
    """The rows of ``usage_totals`` that these executions, which have ended, amount to."""
    theirs = executions.c.id.in_(execution_ids)
    parts = union_all(
        _held(theirs, cast("-infinity", _WHEN), cast("infinity", _WHEN), None), _ended(theirs)
    ).subquery("parts")
    key = [parts.c[name] for name in KEY]
    return select(*key, *(func.sum(parts.c[name]) for name in AMOUNTS)).group_by(*key)


def _held(which: ColumnElement[bool], since: Any, until: Any, now: datetime | None) -> Select[Any]:
    """What these instances held within the period, a row for each of them and each day."""
    ended_at = func.coalesce(instances.c.ended_at, executions.c.ended_at, now, type_=_WHEN)
    begin = func.greatest(instances.c.started_at, since, type_=_WHEN)
    end = func.least(ended_at, until, type_=_WHEN)
    first = func.date_trunc("day", begin, "UTC", type_=_WHEN)
    amounts = (instances.c.millicores, instances.c.memory, instances.c.gpus)
    # In the list of columns: as a table of its own, for each row, it takes three times as long.
    days = func.generate_series(first, end, _DAY, type_=_WHEN)
    columns = [begin.label("begin"), end.label("end"), days.label("at"), *amounts]
    key = (executions.c.user_name, executions.c.groups, executions.c.zapp)
    held = (
        select(*columns, *key)
        .select_from(instances.join(executions))
        .where(which & instances.c.started_at.is_not(None))
        .subquery("held")
    )
    within = func.least(held.c.end, held.c.at + _DAY) - func.greatest(held.c.begin, held.c.at)
    seconds: ColumnElement[float] = func.greatest(
        0, func.date_part("epoch", within, type_=Double()), type_=Double()
    )
    return select(
        *_key(held.c.at, held),
        *(literal(0).label(name) for name in AMOUNTS[:4]),
        *(
            (held.c[each.name] * seconds).label(name)
            for each, name in zip(amounts, AMOUNTS[4:], strict=True)
        ),
    )


def _ended(which: ColumnElement[bool]) -> Select[Any]:
    """A row for each of these executions that has ended, on the day when it did."""
    waited = func.extract("epoch", executions.c.started_at - executions.c.submitted_at)
    counts = (
        literal(1),
        case((executions.c.status == "error", 1), else_=0),
        case((executions.c.started_at.is_not(None), 1), else_=0),
        func.coalesce(func.greatest(0, waited), 0),
    )
    return select(
        *_key(executions.c.ended_at, executions),
        *(each.label(name) for each, name in zip(counts, AMOUNTS[:4], strict=True)),
        *(literal(0).label(name) for name in AMOUNTS[4:]),
    ).where(which & executions.c.ended_at.is_not(None))


def _key(moment: ColumnElement[Any], of: FromClause) -> tuple[ColumnElement[Any], ...]:
    """The columns ``KEY`` of rows that have those of executions."""
    return (
        cast(func.timezone("UTC", moment), Date).label("day"),
        of.c.user_name,
        of.c.groups,
        func.coalesce(of.c.zapp, "").label("zapp"),
    )


def _day_before(moment: datetime) -> date:
    """The last day (of UTC) that begins before that moment."""
    return (moment.astimezone(UTC) - timedelta(microseconds=1)).date()


def _added_up(
    parts: Subquery, group_by: UsageGroup, user: str | None, *also_by: Label[Any]
) -> Select[Any]:
    """The columns of ``also_by``, the key, and the sums of ``AMOUNTS``."""
    keys = {
        "user": parts.c.user_name,
        "group": parts.c.groups,
        "zapp": parts.c.zapp,
        "day": cast(parts.c.day, Text),
    }
    by = (*also_by, keys[group_by].label("key"))
    query = select(*by, *_sums(parts)).group_by(*(each.name for each in by))
    if user is not None:
        query = query.where(parts.c.user_name == user)
    return _by_group(query.subquery("by_groups"), also_by) if group_by == "group" else query


def _by_group(sums: Subquery, also_by: Sequence[Label[Any]]) -> Select[Any]:
    """The same by each group, from sums by all of a user's groups: those are few."""
    named = case((sums.c.key == _NONE, _NAMELESS), else_=sums.c.key)
    each = func.jsonb_array_elements_text(named).table_valued("name")
    each = each.render_derived(name="one_group")
    by = (*(sums.c[column.name] for column in also_by), each.c.name.label("key"))
    query = select(*by, *_sums(sums)).select_from(sums.join(each, true()))
    return query.group_by(*by)


def _sums(rows: FromClause) -> Iterator[Label[Any]]:
    return (func.sum(rows.c[name]).label(name) for name in AMOUNTS)


def _usage(row: Sequence[Any]) -> Usage:
    """Of a key, and the columns ``AMOUNTS``."""
    counts = (int(each) for each in row[1:4])
    return Usage(row[0], *counts, *(float(each) for each in row[4:]))
