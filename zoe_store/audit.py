"""The audit log: who did what, or was refused to. It is only added to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import select

from zoe_store.database import Database
from zoe_store.rows import insert_many
from zoe_store.tables import audit

Outcome = Literal["done", "refused", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did, or wanted to.

    ``actor_kind`` is ``user`` or ``service``, as JupyterHub calls them. ``action`` is the id of an
    operation of REST, ``target`` what it was about, such as ``executions/42``. The outcome is
    ``unknown`` when a part of Zoe went away meanwhile. With the same ``key`` it is recorded once.
    """

    at: datetime
    actor: str
    actor_kind: str
    action: str
    target: str
    outcome: Outcome
    detail: dict[str, Any] = field(default_factory=dict)
    key: UUID = field(default_factory=uuid4, compare=False)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A deed that was recorded; a larger ``id`` was recorded later."""

    id: int
    deed: Deed


_COLUMNS = ("at", "actor", "actor_kind", "action", "target", "outcome", "detail", "key")
_INSERT = insert_many(audit, *_COLUMNS).on_conflict_do_nothing(index_elements=["key"])


def record(database: Database, deeds: Sequence[Deed]) -> None:
    """Add to the log, all or none; not again what is there."""
    rows = [{name: getattr(each, name) for name in _COLUMNS} for each in deeds]
    with database.transaction() as connection:
        connection.execute(_INSERT, {"rows": rows})


def find(
    database: Database,
    *,
    actor: str | None = None,
    action: str | None = None,
    target: str | None = None,
    outcome: Outcome | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[AuditRecord]:
    """What matches all that is given, newest first.

    ``since``/``until`` bound the moment (inclusive, exclusive); ``before`` is the id that a page
    goes on from.
    """
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    equal = {"actor": actor, "action": action, "target": target, "outcome": outcome}
    query = query.filter_by(**{name: value for name, value in equal.items() if value is not None})
    if since is not None:
        query = query.where(audit.c.at >= since)
    if until is not None:
        query = query.where(audit.c.at < until)
    if before is not None:
        query = query.where(audit.c.id < before)
    with database.transaction() as connection:
        return [AuditRecord(row.id, Deed(*row[1:])) for row in connection.execute(query)]
