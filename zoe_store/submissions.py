"""Storing what people submit: any number at once, in one transaction, each with its own answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.dml import ReturningInsert

from zoe_core.cluster import ExecutionStatus
from zoe_store.checkpoints import Checkpoint, reached
from zoe_store.database import Database
from zoe_store.events import lock_and_count_up
from zoe_store.executions import ExecutionRecord, live_servers_of, with_keys
from zoe_store.rows import insert_many
from zoe_store.tables import events, executions, launch_secrets


class IdempotencyMismatch(Exception):
    """The key was used before with another body."""


class ServerExists(Exception):
    """The user already has a live execution for that server name; ``execution_id`` says which."""

    def __init__(self, execution_id: int) -> None:
        super().__init__(f"execution {execution_id} is that server")
        self.execution_id = execution_id


@dataclass(frozen=True, slots=True)
class NewExecution:
    """A validated request. ``secrets`` is environment that must not stay after the end.

    ``groups`` are the user's, as they are now. ``changes`` is what is to be other than the
    description says, as JSON has it.
    """

    user: str
    name: str
    zapp: str | None
    description: dict[str, Any]
    parameters: dict[str, Any]
    server_name: str | None = None
    idempotency_key: str | None = None
    fingerprint: str | None = None
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    groups: tuple[str, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str] | None:
        """The user and her idempotency key, which no two executions share; None without one."""
        return None if self.idempotency_key is None else (self.user, self.idempotency_key)

    @property
    def server(self) -> tuple[str, str] | None:
        """The user and the server name, which no two live executions share; None: no server."""
        return None if self.server_name is None else (self.user, self.server_name)


Submitted = tuple[ExecutionRecord, bool]
"""An execution, and whether it is new: False when its idempotency key was known."""

Refusal = IdempotencyMismatch | ServerExists

_LOCK_AND_NEW_IDS = lock_and_count_up("executions_id_seq")
_INSERT_SECRETS = insert_many(launch_secrets, "execution_id", "environment")


def _insert_and_tell() -> ReturningInsert[Any]:
    """One statement: those executions that meet no other one, and the event that tells of each."""
    stored = (
        insert_many(
            executions,
            "id",
            "user_name",
            "name",
            "zapp",
            "description",
            "parameters",
            "server_name",
            "idempotency_key",
            "fingerprint",
            "submitted_at",
            "groups",
            "changes",
        )
        .on_conflict_do_nothing()
        .returning(executions.c.id, executions.c.submitted_at)
        .cte("stored")
    )
    told = select(
        stored.c.id,
        stored.c.submitted_at,
        literal("submitted"),
        literal({"status": ExecutionStatus.SUBMITTED}, JSONB),
    )
    return (
        insert(events)
        .from_select(["execution_id", "at", "kind", "data"], told.order_by(stored.c.id))
        .returning(events.c.execution_id)
    )


_INSERT_EXECUTIONS = _insert_and_tell()


def submit_all(
    database: Database, batch: Sequence[NewExecution], now: datetime
) -> list[Submitted | Refusal]:
    """Store requests durably in one transaction; the answers are as if they had come in turn.

    The same user and idempotency key give the execution that exists (``False``); it is an
    IdempotencyMismatch when the fingerprint differs, ServerExists when the server name is taken.
    Raises DatabaseAway and other errors for the whole batch. If the connection is lost while
    committing, DatabaseAway leaves open whether it was stored.
    """
    with database.transaction() as connection:
        # Also orders submissions.
        ids = connection.scalars(_LOCK_AND_NEW_IDS, {"count": len(batch)})
        records = [_record(number, new, now) for number, new in zip(ids, batch, strict=True)]
        stored = _write(connection, records, batch)
        answers = _answers(connection, records, batch, stored)
        if stored:
            reached(Checkpoint.SUBMIT_WRITTEN)
    if stored:
        reached(Checkpoint.SUBMIT_COMMITTED)
    return answers


def _answers(
    connection: Connection,
    records: Sequence[ExecutionRecord],
    batch: Sequence[NewExecution],
    stored: Collection[int],
) -> list[Submitted | Refusal]:
    """The answer to each request; those that were not stored have met an earlier one."""
    met = [new for record, new in zip(records, batch, strict=True) if record.id not in stored]
    earlier = with_keys(connection, [each.key for each in met if each.key])
    servers = live_servers_of(connection, [each.server for each in met if each.server])
    answers: list[Submitted | Refusal] = []
    for record, new in zip(records, batch, strict=True):
        if record.id in stored:
            answers.append((record, True))
        elif new.key in earlier:
            answers.append(_answer_again(new, *earlier[new.key]))
        else:
            assert new.server is not None  # nothing else is unique
            answers.append(ServerExists(servers[new.server]))
    return answers


def _answer_again(
    new: NewExecution, record: ExecutionRecord, fingerprint: str | None
) -> Submitted | Refusal:
    if new.fingerprint == fingerprint:
        return record, False
    return IdempotencyMismatch(new.idempotency_key)


def _record(execution_id: int, new: NewExecution, now: datetime) -> ExecutionRecord:
    """What would be read of it now."""
    return ExecutionRecord(
        id=execution_id,
        user=new.user,
        name=new.name,
        zapp=new.zapp,
        description=new.description,
        parameters=new.parameters,
        server_name=new.server_name,
        submitted_at=now,
        status=ExecutionStatus.SUBMITTED,
        terminate=None,
        outcome=None,
        reason=None,
        starting_since=None,
        started_at=None,
        ended_at=None,
        predicted_at=None,
        predicted_start_low=None,
        predicted_start=None,
        predicted_start_high=None,
        groups=tuple(sorted(new.groups)),
        changes=new.changes,
    )


def _write(
    connection: Connection, records: Sequence[ExecutionRecord], batch: Sequence[NewExecution]
) -> set[int]:
    """Write what is new; returns the ids of that."""
    rows = [
        {
            "id": record.id,
            "user_name": new.user,
            "name": new.name,
            "zapp": new.zapp,
            "description": new.description,
            "parameters": new.parameters,
            "server_name": new.server_name,
            "idempotency_key": new.idempotency_key,
            "fingerprint": new.fingerprint,
            "submitted_at": record.submitted_at.isoformat(),
            "groups": sorted(new.groups),
            "changes": new.changes,
        }
        for record, new in zip(records, batch, strict=True)
    ]
    stored = set(connection.scalars(_INSERT_EXECUTIONS, {"rows": rows}))
    secrets = [
        {"execution_id": record.id, "environment": new.secrets}
        for record, new in zip(records, batch, strict=True)
        if new.secrets and record.id in stored
    ]
    if secrets:
        connection.execute(_INSERT_SECRETS, {"rows": secrets})
    return stored
