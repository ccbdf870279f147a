"""Users as executions show them: who there is, in which groups, and what each holds now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, true

from zoe_core.amount import Amount
from zoe_core.cluster import FINAL
from zoe_store.cluster import HOLDS_RESERVATION
from zoe_store.database import Database
from zoe_store.tables import executions, instances

_UP = ("starting", "running")
_WAITING = ("submitted", "queued")


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user with the groups of her last submission, and what she holds now.

    ``up`` counts her executions that start or run, ``waiting`` those in the queue.
    """

    name: str
    groups: tuple[str, ...]
    last_submitted_at: datetime
    up: int = 0
    waiting: int = 0
    held: Amount = field(default_factory=Amount)


def users(database: Database) -> list[UserRecord]:
    """Everybody who has an execution in the database, by name."""
    with database.transaction() as connection:
        known = connection.execute(_last_submissions()).all()
        live = connection.execute(_live()).all()
        held = {row[0]: Amount(*map(int, row[1:])) for row in connection.execute(_held())}
    counts = {row[0]: (int(row[1]), int(row[2])) for row in live}
    return [
        UserRecord(
            row.user_name,
            tuple(row.groups),
            row.submitted_at,
            *counts.get(row.user_name, (0, 0)),
            held.get(row.user_name, Amount()),
        )
        for row in known
    ]


def _last_submissions() -> Select[Any]:
    """Goes from one name to the next in the index: its cost grows with users, not executions."""
    name = executions.c.user_name
    names = select(func.min(name).label("name")).cte("names", recursive=True)
    following = select(func.min(name)).where(name > names.c.name).scalar_subquery()
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    last = (
        select(executions.c.user_name, executions.c.groups, executions.c.submitted_at)
        .where(name == names.c.name)
        .order_by(executions.c.id.desc())
        .limit(1)
        .lateral("last")
    )
    query = select(last.c.user_name, last.c.groups, last.c.submitted_at)
    return query.select_from(names.join(last, true())).order_by(last.c.user_name)


def _live() -> Select[Any]:
    """By user, how many of her executions start or run, and how many wait."""
    status = executions.c.status
    return (
        select(
            executions.c.user_name,
            func.count().filter(status.in_(_UP)),
            func.count().filter(status.in_(_WAITING)),
        )
        .where(status.not_in(FINAL))
        .group_by(executions.c.user_name)
    )


def _held() -> Select[Any]:
    """By user, what her instances hold: bytes, millicores, GPUs."""
    amounts = (instances.c.memory, instances.c.millicores, instances.c.gpus)
    return (
        select(executions.c.user_name, *map(func.sum, amounts))
        .join_from(instances, executions)
        .where(HOLDS_RESERVATION & executions.c.status.not_in(FINAL))
        .group_by(executions.c.user_name)
    )
