"""When executions were first predicted to start, kept beside when they ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Double, cast, func, select

from zoe_store.events import lock_events
from zoe_store.office import Office
from zoe_store.rows import update_many
from zoe_store.tables import executions

JUDGED = 500
"""Executions whose predictions are compared with what happened: the last that started."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """When an execution would start; ``high`` None: nobody could tell how late it may become."""

    low: datetime
    mid: datetime
    high: datetime | None


@dataclass(frozen=True, slots=True)
class PastError:
    """Of ``count`` executions: the median error in seconds, and the share in the range."""

    count: int
    median: float
    within: float


_UPDATE = update_many(
    executions,
    "predicted_at",
    "predicted_start_low",
    "predicted_start",
    "predicted_start_high",
    key="id",
).where(executions.c.predicted_at.is_(None))


def write_first(office: Office, predictions: Mapping[int, Predicted], at: datetime) -> None:
    """Note when these executions are predicted to start, unless that was noted before."""
    rows = [
        {
            "id": execution_id,
            "predicted_at": at.isoformat(),
            "predicted_start_low": each.low.isoformat(),
            "predicted_start": each.mid.isoformat(),
            "predicted_start_high": None if each.high is None else each.high.isoformat(),
        }
        for execution_id, each in predictions.items()
    ]
    with office.transaction() as connection:
        # The loop's steps write the same rows, in an order of their own.
        lock_events(connection)
        connection.execute(_UPDATE, {"rows": rows})


def past_error(office: Office) -> PastError | None:
    """How good the predictions were of the last executions that started; None: there are none."""
    columns = executions.c
    late = func.extract("epoch", columns.started_at - columns.predicted_start)
    inside = (columns.started_at >= columns.predicted_start_low) & (
        columns.started_at <= func.coalesce(columns.predicted_start_high, "infinity")
    )
    last = (
        select(func.abs(cast(late, Double)).label("error"), inside.label("inside"))
        .where(columns.predicted_start.is_not(None) & columns.started_at.is_not(None))
        .order_by(columns.started_at.desc())
        .limit(JUDGED)
        .subquery()
    )
    median = func.percentile_cont(0.5).within_group(last.c.error)
    query = select(func.count(), median, func.count().filter(last.c.inside)).select_from(last)
    with office.reading() as connection:
        count, error, within = connection.execute(query).one()
    return PastError(count, error, within / count) if count else None
