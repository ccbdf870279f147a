"""Executions as the hub sees them: read, list, and wish for an end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, tuple_

from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.zapp import Changes
from zoe_store.checkpoints import Checkpoint, reached
from zoe_store.database import Database
from zoe_store.events import NewEvent, append_events, lock_events
from zoe_store.tables import executions, instances, intents


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """One attempt of one instance; memory in bytes, addresses as [port, host, port there].

    ``devices`` are the ids of its GPUs.
    """

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
    devices: list[str]
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def name(self) -> str:
        """``spark-worker-0``."""
        return f"{self.service}-{self.index}"


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """A stored execution; the columns of ``zoe_store.tables.executions`` that are for people.

    ``predicted_start`` is what was first foreseen, at ``predicted_at``; ``predicted_start_high``
    None: nobody could tell how late it may become. ``groups`` are the user's at submission;
    ``changes`` is what is other than the description says, as JSON has it.
    """

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
    predicted_at: datetime | None
    predicted_start_low: datetime | None
    predicted_start: datetime | None
    predicted_start_high: datetime | None
    groups: tuple[str, ...]
    changes: dict[str, Any]

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
    executions.c.predicted_at,
    executions.c.predicted_start_low,
    executions.c.predicted_start,
    executions.c.predicted_start_high,
    executions.c.groups,
    executions.c.changes,
)


def _record(row: Sequence[Any]) -> ExecutionRecord:
    values = list(row)
    values[8] = ExecutionStatus(values[8])
    values[-2] = tuple(values[-2])
    return ExecutionRecord(*values)


def with_keys(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[ExecutionRecord, str | None]]:
    """The executions that users submitted with these keys, and the fingerprints of their requests.

    ``keys`` are pairs of user and idempotency key; those that are not known are missing.
    """
    if not keys:
        return {}
    pair = tuple_(executions.c.user_name, executions.c.idempotency_key)
    query = select(*_COLUMNS, executions.c.idempotency_key, executions.c.fingerprint)
    return {
        (row.user_name, row.idempotency_key): (_record(row[:-2]), row.fingerprint)
        for row in connection.execute(query.where(pair.in_(keys)))
    }


def live_servers_of(
    connection: Connection, servers: Collection[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """The live executions that are these servers, pairs of user and server name, if there are."""
    if not servers:
        return {}
    pair = tuple_(executions.c.user_name, executions.c.server_name)
    query = select(executions.c.id, executions.c.user_name, executions.c.server_name)
    live = query.where(pair.in_(servers), executions.c.status.not_in(FINAL))
    return {(row.user_name, row.server_name): row.id for row in connection.execute(live)}


def get(database: Database, execution_id: int) -> ExecutionRecord | None:
    """One execution, or None."""
    query = select(*_COLUMNS).where(executions.c.id == execution_id)
    with database.transaction() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _record(row)


def get_all(database: Database, execution_ids: Collection[int]) -> list[ExecutionRecord]:
    """Those of these executions that exist, in any order."""
    query = select(*_COLUMNS).where(executions.c.id.in_(execution_ids))
    with database.transaction() as connection:
        return [_record(row) for row in connection.execute(query)]


def by_idempotency_key(
    database: Database, user: str, key: str
) -> tuple[ExecutionRecord, str | None] | None:
    """The execution that this user submitted with this key, and the fingerprint of its request."""
    with database.transaction() as connection:
        return with_keys(connection, [(user, key)]).get((user, key))


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
        wish_end(connection, execution_id, by_user, reason, now)
    reached(Checkpoint.WISH_COMMITTED)
    return True


def wish_end(
    connection: Connection, execution_id: int, by_user: str, reason: str, now: datetime
) -> None:
    """Record the wish within the caller's transaction, which must hold ``lock_events``."""
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


class ChangedMeanwhile(Exception):
    """Somebody wishes another change of the execution since it was looked at."""


def get_as_wished(database: Database, execution_id: int) -> ExecutionRecord | None:
    """One execution with the changes that are wished and not carried out yet, or None."""
    query = select(*_COLUMNS).where(executions.c.id == execution_id)
    with database.transaction() as connection:
        row = connection.execute(query).one_or_none()
        return None if row is None else _as_wished(connection, _record(row))


def request_change(
    database: Database,
    wished: ExecutionRecord,
    by_user: str,
    changes: dict[str, Any],
    now: datetime,
) -> bool:
    """Record the wish that an execution be other than it was launched; False when it ends.

    ``wished`` is the execution ``get_as_wished``, as was checked; ``changes`` are a
    `zoe_core.zapp.Changes` as JSON has them. Raises ChangedMeanwhile.
    """
    query = select(*_COLUMNS).where(executions.c.id == wished.id)
    with database.transaction() as connection:
        lock_events(connection)  # so that nobody wishes, and the master carries out, meanwhile
        row = connection.execute(query).one_or_none()
        if row is None or row.status in (*FINAL, ExecutionStatus.CLEANING_UP):
            return False
        if _as_wished(connection, _record(row)).changes != wished.changes:
            raise ChangedMeanwhile
        connection.execute(
            insert(intents).values(
                execution_id=wished.id,
                kind="change",
                by_user=by_user,
                arguments=changes,
                at=now,
            )
        )
        append_events(connection, [NewEvent(wished.id, "change_requested", changes)], now)
    reached(Checkpoint.WISH_COMMITTED)
    return True


def _as_wished(connection: Connection, record: ExecutionRecord) -> ExecutionRecord:
    pending = (
        select(intents.c.arguments)
        .where(intents.c.execution_id == record.id, intents.c.kind == "change")
        .where(intents.c.handled_at.is_(None))
        .order_by(intents.c.id)
    )
    changes = Changes.model_validate(record.changes)
    for each in connection.scalars(pending):
        changes = changes.followed_by(Changes.model_validate(each))
    return replace(record, changes=changes.document())


def priorities_of(database: Database, execution_ids: Collection[int]) -> dict[int, str]:
    """The priority of each of these executions that exists, as it was changed last."""
    priority = func.coalesce(
        executions.c.changes["priority"].astext, executions.c.description["priority"].astext
    )
    query = select(executions.c.id, func.coalesce(priority, "normal").label("priority"))
    with database.transaction() as connection:
        rows = connection.execute(query.where(executions.c.id.in_(execution_ids)))
        return {row.id: row.priority for row in rows}


def owners_of(database: Database, execution_ids: Collection[int]) -> dict[int, str]:
    """The user of each of these executions that exists."""
    query = select(executions.c.id, executions.c.user_name).where(
        executions.c.id.in_(execution_ids)
    )
    with database.transaction() as connection:
        return {row.id: row.user_name for row in connection.execute(query)}
