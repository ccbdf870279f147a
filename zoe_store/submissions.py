"""Storing what people submit: any number at once, in one transaction, each with its own answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from zoe_core.cluster import ExecutionStatus
from zoe_store.checkpoints import Checkpoint, reached
from zoe_store.database import Database
from zoe_store.events import NewEvent, append_events, lock_events
from zoe_store.executions import ExecutionRecord, live_servers_of, with_keys
from zoe_store.rows import insert_many
from zoe_store.tables import executions, launch_secrets


class IdempotencyMismatch(Exception):
    """The key was used before with another body."""


class ServerExists(Exception):
    """The user already has a live execution for that server name; ``execution_id`` says which."""

    def __init__(self, execution_id: int) -> None:
        super().__init__(f"execution {execution_id} is that server")
        self.execution_id = execution_id


@dataclass(frozen=True, slots=True)
class NewExecution:
    """A validated request. ``secrets`` is environment that must not stay after the end."""

    user: str
    name: str
    zapp: str | None
    description: dict[str, Any]
    parameters: dict[str, Any]
    server_name: str | None = None
    idempotency_key: str | None = None
    fingerprint: str | None = None
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

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

_NEW_IDS = select(func.nextval("executions_id_seq")).select_from(
    func.generate_series(1, bindparam("count"))
)
_INSERT_EXECUTIONS = insert_many(
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
)
_INSERT_SECRETS = insert_many(launch_secrets, "execution_id", "environment")


def submit(database: Database, new: NewExecution, now: datetime) -> Submitted:
    """Store one request durably.

    The same user and idempotency key give the execution that exists (``False``); raises
    IdempotencyMismatch when its fingerprint differs, ServerExists when the server name is taken.
    """
    (answer,) = submit_all(database, [new], now)
    if isinstance(answer, Exception):
        raise answer
    return answer


def submit_all(
    database: Database, batch: Sequence[NewExecution], now: datetime
) -> list[Submitted | Refusal]:
    """Store requests durably in one transaction; the answers are as if they had come in turn.

    Raises DatabaseAway and other errors for the whole batch. If the connection is lost while
    committing, DatabaseAway leaves open whether it was stored.
    """
    with database.transaction() as connection:
        lock_events(connection)  # also orders submissions, so the look-ups below cannot race
        new, answers = _sort(connection, batch, now)
        if new:
            _write(connection, new, now)
            reached(Checkpoint.SUBMIT_WRITTEN)
    if new:
        reached(Checkpoint.SUBMIT_COMMITTED)
    return answers


def _sort(
    connection: Connection, batch: Sequence[NewExecution], now: datetime
) -> tuple[dict[int, NewExecution], list[Submitted | Refusal]]:
    """What is to be stored, by its id, and the answer to each request."""
    earlier = with_keys(connection, [each.key for each in batch if each.key])
    servers = live_servers_of(connection, [each.server for each in batch if each.server])
    ids = iter(_new_ids(connection, sum(each.key not in earlier for each in batch)))
    stored: dict[int, NewExecution] = {}
    answers: list[Submitted | Refusal] = []
    for new in batch:
        if new.key in earlier:
            answers.append(_answer_again(new, *earlier[new.key]))
        elif new.server in servers:
            answers.append(ServerExists(servers[new.server]))
        else:
            record = _record(next(ids), new, now)
            stored[record.id] = new
            answers.append((record, True))
            # For those that follow in this batch.
            if new.key:
                earlier[new.key] = record, new.fingerprint
            if new.server:
                servers[new.server] = record.id
    return stored, answers


def _answer_again(
    new: NewExecution, record: ExecutionRecord, fingerprint: str | None
) -> Submitted | Refusal:
    if new.fingerprint == fingerprint:
        return record, False
    return IdempotencyMismatch(new.idempotency_key)


def _new_ids(connection: Connection, count: int) -> Sequence[int]:
    if not count:
        return ()
    return connection.scalars(_NEW_IDS, {"count": count}).all()


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
    )


def _write(connection: Connection, stored: dict[int, NewExecution], now: datetime) -> None:
    rows = [
        {
            "id": execution_id,
            "user_name": new.user,
            "name": new.name,
            "zapp": new.zapp,
            "description": new.description,
            "parameters": new.parameters,
            "server_name": new.server_name,
            "idempotency_key": new.idempotency_key,
            "fingerprint": new.fingerprint,
            "submitted_at": now.isoformat(),
        }
        for execution_id, new in stored.items()
    ]
    connection.execute(_INSERT_EXECUTIONS, {"rows": rows})
    secrets = [
        {"execution_id": execution_id, "environment": new.secrets}
        for execution_id, new in stored.items()
        if new.secrets
    ]
    if secrets:
        connection.execute(_INSERT_SECRETS, {"rows": secrets})
    told = [NewEvent(each, "submitted", {"status": ExecutionStatus.SUBMITTED}) for each in stored]
    append_events(connection, told, now)
