"""Jupyter servers that run: what is kept of warnings about their idleness, and wishes to keep them.

Both are in the database alone, so that a portal that is started anew goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, insert, select

from zoe_core.cluster import ExecutionStatus
from zoe_store.checkpoints import Checkpoint, reached
from zoe_store.database import Database
from zoe_store.events import NewEvent, append_events, lock_events
from zoe_store.executions import wish_end
from zoe_store.tables import events, executions, intents

KEEP = "keep"
"""The kind of the wish; nothing follows from it for the master."""
WARNING, OVER = "idle_warning", "idle_over"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server of JupyterHub that runs and that nobody wishes to end.

    ``kept_at`` is when somebody last wished to keep it; ``warned_at`` when the warning began that
    stands, None without one.
    """

    id: int
    user: str
    server_name: str
    started_at: datetime
    kept_at: datetime | None
    warned_at: datetime | None


def running_servers(database: Database) -> list[RunningServer]:
    """All that may idle, oldest first."""
    columns = (
        executions.c.id,
        executions.c.user_name,
        executions.c.server_name,
        executions.c.started_at,
        _kept_at().label("kept_at"),
        _newest_word(events.c.kind).label("said"),
        _newest_word(events.c.at).label("said_at"),
    )
    query = select(*columns).where(executions.c.server_name.is_not(None), *_runs())
    with database.transaction() as connection:
        rows = connection.execute(query.order_by(executions.c.id)).all()
    return [RunningServer(*row[:5], row.said_at if row.said == WARNING else None) for row in rows]


def warn(database: Database, execution_id: int, ends_at: datetime, now: datetime) -> None:
    """Say that it idles and will be ended; nothing when it does not run any more."""
    _say(database, execution_id, WARNING, {"ends_at": ends_at.isoformat()}, now)


def say_over(database: Database, execution_id: int, now: datetime) -> None:
    """Say that it is active again; nothing when it does not run any more."""
    _say(database, execution_id, OVER, {}, now)


def keep(database: Database, execution_id: int, by_user: str, now: datetime) -> bool:
    """Record the wish to keep a server although it idles; the warning about it is over.

    False when it does not run any more, or is about to end.
    """
    with database.transaction() as connection:
        lock_events(connection)
        if not _is_running(connection, execution_id):
            return False
        said = select(_newest_word(events.c.kind)).where(executions.c.id == execution_id)
        warned = connection.scalar(said) == WARNING
        wish = {"execution_id": execution_id, "kind": KEEP, "by_user": by_user, "at": now}
        connection.execute(insert(intents).values(**wish, arguments={}))
        new = [NewEvent(execution_id, "keep_requested", {"by": by_user})]
        if warned:
            new.append(NewEvent(execution_id, OVER, {"by": by_user}))
        append_events(connection, new, now)
    return True


def end(
    database: Database,
    execution_id: int,
    used_at: datetime,
    by_user: str,
    reason: str,
    now: datetime,
) -> bool:
    """Record the wish to end a server that was last used at ``used_at``, as was judged.

    False when it does not run any more, is about to end, or somebody has kept it since then.
    """
    with database.transaction() as connection:
        lock_events(connection)
        kept_at = connection.scalar(select(_kept_at()).where(executions.c.id == execution_id))
        kept = kept_at is not None and kept_at > used_at
        if kept or not _is_running(connection, execution_id):
            return False
        wish_end(connection, execution_id, by_user, reason, now)
    reached(Checkpoint.WISH_COMMITTED)
    return True


def _say(
    database: Database, execution_id: int, kind: str, data: dict[str, Any], now: datetime
) -> None:
    with database.transaction() as connection:
        lock_events(connection)
        if _is_running(connection, execution_id):
            append_events(connection, [NewEvent(execution_id, kind, data)], now)


def _is_running(connection: Connection, execution_id: int) -> bool:
    query = select(executions.c.id).where(executions.c.id == execution_id, *_runs())
    return connection.scalar(query) is not None


def _runs() -> Sequence[ColumnElement[bool]]:
    end_is_wished = (
        select(intents.c.id)
        .where(intents.c.execution_id == executions.c.id, intents.c.kind == "terminate")
        .correlate(executions)
        .exists()
    )
    running = executions.c.status == ExecutionStatus.RUNNING
    return running, executions.c.terminate.is_(None), ~end_is_wished


def _kept_at() -> ScalarSelect[Any]:
    return (
        select(func.max(intents.c.at))
        .where(intents.c.execution_id == executions.c.id, intents.c.kind == KEEP)
        .correlate(executions)
        .scalar_subquery()
    )


def _newest_word(column: ColumnElement[Any]) -> ScalarSelect[Any]:
    """Of the newest event that says something about idleness."""
    return (
        select(column)
        .where(events.c.execution_id == executions.c.id, events.c.kind.in_([WARNING, OVER]))
        .order_by(events.c.id.desc())
        .limit(1)
        .correlate(executions)
        .scalar_subquery()
    )
