"""The event log: append in order, read after an id.

A reader that has seen event n asks for what is above n. That is only safe when no id below n can
still appear: so every transaction that appends takes one advisory lock first and holds it until it
commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, func, select, true

from zoe_store.database import Database
from zoe_store.rows import insert_many
from zoe_store.tables import events, executions

# The application-wide keys of Postgres advisory locks: arbitrary, but never reused.
EVENTS_LOCK = 0x5A6F6501

_LOCK = select(func.pg_advisory_xact_lock(EVENTS_LOCK))
_INSERT = insert_many(events, "execution_id", "at", "kind", "data").returning(events.c.id)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that happened to an execution, not yet stored."""

    execution_id: int
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A stored event; ``id`` grows over the whole deployment."""

    id: int
    execution_id: int
    at: datetime
    kind: str
    data: dict[str, Any]


def lock_events(connection: Connection) -> None:
    """Take the lock that keeps event ids in order; the first statement of whoever appends."""
    connection.execute(_LOCK)


def lock_and_count_up(sequence: str) -> Select[Any]:
    """``lock_events``, then ``count`` (a parameter) new values of a sequence; in one statement."""
    locked = _LOCK.cte("locked")
    return select(func.nextval(sequence)).select_from(
        locked.join(func.generate_series(1, bindparam("count")).alias(), true())
    )


def append_events(connection: Connection, new: Sequence[NewEvent], at: datetime) -> int:
    """Append within the caller's transaction, which must hold ``lock_events``.

    Returns the id of the newest of them, 0 when there are none.
    """
    if not new:
        return 0
    moment = at.isoformat()
    rows = [
        {"execution_id": each.execution_id, "at": moment, "kind": each.kind, "data": each.data}
        for each in new
    ]
    return max(connection.scalars(_INSERT, {"rows": rows}))


def read_events(
    database: Database,
    *,
    after: int,
    execution_id: int | None = None,
    user: str | None = None,
    kind: str | None = None,
    limit: int = 500,
) -> list[EventRecord]:
    """Events with an id above ``after``, oldest first; of one execution, or of one user's.

    With ``kind`` only those that are called so.
    """
    query = select(events).where(events.c.id > after).order_by(events.c.id).limit(limit)
    if execution_id is not None:
        query = query.where(events.c.execution_id == execution_id)
    if kind is not None:
        query = query.where(events.c.kind == kind)
    if user is not None:
        query = query.join(executions).where(executions.c.user_name == user)
    with database.transaction() as connection:
        return [EventRecord(*row) for row in connection.execute(query)]


def has_happened(database: Database, execution_id: int, kind: str) -> bool:
    """Whether the execution has an event of that kind."""
    of_kind = (events.c.execution_id == execution_id) & (events.c.kind == kind)
    with database.transaction() as connection:
        return bool(connection.scalar(select(exists().where(of_kind))))


def newest_event(database: Database) -> int:
    """The id of the newest event; 0 when there is none."""
    with database.transaction() as connection:
        return connection.scalar(select(func.coalesce(func.max(events.c.id), 0))) or 0
