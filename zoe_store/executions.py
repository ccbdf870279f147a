"""Executions as the hub sees them: submit, read, list, and wish for an end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_store.database import Database
from zoe_store.events import NewEvent, append_events, lock_events
from zoe_store.tables import executions, instances, intents, launch_secrets


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


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """One attempt of one instance; memory in bytes, addresses as [port, host, port there]."""

    service: str
    index: int
    attempt: int
    node: str
    memory: int
    millicores: int
    gpus: int
    essential: bool
    monitor: bool
    desired: str
    observed: str
    exit_code: int | None
    detail: str | None
    addresses: list[list[Any]]
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def name(self) -> str:
        """``spark-worker-0``."""
        return f"{self.service}-{self.index}"


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """A stored execution; the columns of ``zoe_store.tables.executions`` that are for people."""

    id: int
    user: str
    name: str
    zapp: str | None
    description: dict[str, Any]
    parameters: dict[str, Any]
    server_name: str | None
    submitted_at: datetime
    status: ExecutionStatus
    terminate: str | None
    outcome: str | None
    reason: str | None
    starting_since: datetime | None
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def final(self) -> bool:
        """Nothing will change any more."""
        return self.status in FINAL


_COLUMNS = (
    executions.c.id,
    executions.c.user_name,
    executions.c.name,
    executions.c.zapp,
    executions.c.description,
    executions.c.parameters,
    executions.c.server_name,
    executions.c.submitted_at,
    executions.c.status,
    executions.c.terminate,
    executions.c.outcome,
    executions.c.reason,
    executions.c.starting_since,
    executions.c.started_at,
    executions.c.ended_at,
)


def _record(row: Sequence[Any]) -> ExecutionRecord:
    values = list(row)
    values[8] = ExecutionStatus(values[8])
    return ExecutionRecord(*values)


def submit(database: Database, new: NewExecution, now: datetime) -> tuple[ExecutionRecord, bool]:
    """Store a request durably; returns it and whether it is new.

    The same user and idempotency key give the execution that exists (``False``); raises
    IdempotencyMismatch when its fingerprint differs, ServerExists when the server name is taken.
    """
    with database.transaction() as connection:
        lock_events(connection)  # also orders submissions, so the look-ups below cannot race
        existing = _stored_before(connection, new)
        if existing is not None:
            return existing, False
        if new.server_name is not None:
            _refuse_second_server(connection, new.user, new.server_name)
        record = _record(
            connection.execute(
                insert(executions)
                .values(
                    user_name=new.user,
                    name=new.name,
                    zapp=new.zapp,
                    description=new.description,
                    parameters=new.parameters,
                    server_name=new.server_name,
                    idempotency_key=new.idempotency_key,
                    fingerprint=new.fingerprint,
                    submitted_at=now,
                )
                .returning(*_COLUMNS)
            ).one()
        )
        if new.secrets:
            connection.execute(
                insert(launch_secrets).values(execution_id=record.id, environment=new.secrets)
            )
        submitted = NewEvent(record.id, "submitted", {"status": "submitted"})
        append_events(connection, [submitted], now)
        return record, True


def _stored_before(connection: Connection, new: NewExecution) -> ExecutionRecord | None:
    if new.idempotency_key is None:
        return None
    found = _by_idempotency_key(connection, new.user, new.idempotency_key)
    if found is None:
        return None
    record, fingerprint = found
    if fingerprint != new.fingerprint:
        raise IdempotencyMismatch(new.idempotency_key)
    return record


def _by_idempotency_key(
    connection: Connection, user: str, key: str
) -> tuple[ExecutionRecord, str | None] | None:
    row = connection.execute(
        select(*_COLUMNS, executions.c.fingerprint)
        .where(executions.c.user_name == user)
        .where(executions.c.idempotency_key == key)
    ).one_or_none()
    return None if row is None else (_record(row[:-1]), row.fingerprint)


def _refuse_second_server(connection: Connection, user: str, server_name: str) -> None:
    existing = connection.scalar(
        select(executions.c.id)
        .where(executions.c.user_name == user, executions.c.server_name == server_name)
        .where(executions.c.status.not_in(FINAL))
    )
    if existing is not None:
        raise ServerExists(existing)


def get(database: Database, execution_id: int) -> ExecutionRecord | None:
    """One execution, or None."""
    query = select(*_COLUMNS).where(executions.c.id == execution_id)
    with database.transaction() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _record(row)


def by_idempotency_key(
    database: Database, user: str, key: str
) -> tuple[ExecutionRecord, str | None] | None:
    """The execution that this user submitted with this key, and the fingerprint of its request."""
    with database.transaction() as connection:
        return _by_idempotency_key(connection, user, key)


def live_server(database: Database, user: str, server_name: str) -> ExecutionRecord | None:
    """The execution that is that server of the user now, if there is one."""
    query = (
        select(*_COLUMNS)
        .where(executions.c.user_name == user, executions.c.server_name == server_name)
        .where(executions.c.status.not_in(FINAL))
    )
    with database.transaction() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _record(row)


def find(
    database: Database,
    *,
    user: str | None = None,
    statuses: Sequence[str] = (),
    name: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[ExecutionRecord]:
    """Executions that match all that is given, newest first.

    ``name`` matches a part of the name, whatever its case; ``since``/``until`` bound the submission
    (inclusive, exclusive); ``before`` is the id that a page continues from.
    """
    query = select(*_COLUMNS).order_by(executions.c.id.desc()).limit(limit)
    if user is not None:
        query = query.where(executions.c.user_name == user)
    if statuses:
        query = query.where(executions.c.status.in_(statuses))
    if name:
        query = query.where(executions.c.name.icontains(name, autoescape=True))
    if since is not None:
        query = query.where(executions.c.submitted_at >= since)
    if until is not None:
        query = query.where(executions.c.submitted_at < until)
    if before is not None:
        query = query.where(executions.c.id < before)
    with database.transaction() as connection:
        return [_record(row) for row in connection.execute(query)]


def instances_of(
    database: Database, execution_ids: Sequence[int]
) -> dict[int, list[InstanceRecord]]:
    """The newest attempt of each instance of these executions, by service and index."""
    query = (
        select(instances)
        .where(instances.c.execution_id.in_(execution_ids))
        .order_by(instances.c.service, instances.c.index, instances.c.attempt)
    )
    found: dict[int, dict[str, InstanceRecord]] = {each: {} for each in execution_ids}
    with database.transaction() as connection:
        for row in connection.execute(query):
            record = InstanceRecord(*row[1:])
            found[row.execution_id][record.name] = record
    return {each: list(mine.values()) for each, mine in found.items()}


def request_termination(
    database: Database, execution_id: int, by_user: str, reason: str, now: datetime
) -> bool:
    """Record the wish to end an execution; False when it has ended or a wish is recorded."""
    with database.transaction() as connection:
        lock_events(connection)
        status = connection.scalar(
            select(executions.c.status).where(executions.c.id == execution_id)
        )
        wished = connection.scalar(
            select(intents.c.id)
            .where(intents.c.execution_id == execution_id, intents.c.kind == "terminate")
            .limit(1)
        )
        if status is None or status in FINAL or wished is not None:
            return False
        connection.execute(
            insert(intents).values(
                execution_id=execution_id,
                kind="terminate",
                by_user=by_user,
                arguments={"reason": reason},
                at=now,
            )
        )
        event = NewEvent(execution_id, "terminate_requested", {"by": by_user})
        append_events(connection, [event], now)
        return True


def owners_of(database: Database, execution_ids: Collection[int]) -> dict[int, str]:
    """The user of each of these executions that exists."""
    query = select(executions.c.id, executions.c.user_name).where(
        executions.c.id.in_(execution_ids)
    )
    with database.transaction() as connection:
        return {row.id: row.user_name for row in connection.execute(query)}
