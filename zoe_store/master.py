"""What the master reads and writes. Only the acting master does: see ``Office``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from zoe_core.amount import Amount
from zoe_core.cluster import (
    FINAL,
    Capabilities,
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Node,
    Observed,
    Outcome,
)
from zoe_core.scheduling import Advance
from zoe_core.zapp import SiteDefaults, ZAppError, parse_zapp
from zoe_store.cluster import Stranger
from zoe_store.events import NewEvent, append_events, lock_events
from zoe_store.office import Office
from zoe_store.tables import (
    deployment,
    executions,
    instances,
    intents,
    launch_secrets,
    nodes,
    strangers,
)


@dataclass(frozen=True, slots=True)
class Intent:
    """A wish of a person that the master has not yet acted on."""

    id: int
    execution_id: int
    kind: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class News:
    """What the hub wrote since the master looked last."""

    submitted: tuple[ExecutionView, ...]
    intents: tuple[Intent, ...]


def announce(
    office: Office,
    *,
    commands_url: str,
    logs_url: str,
    events_url: str,
    backend: str,
    capabilities: Capabilities,
    defaults: SiteDefaults,
) -> None:
    """Tell the hub where this master listens, what its back-end can, and what it reserves."""
    said = {
        "commands_url": commands_url,
        "logs_url": logs_url,
        "events_url": events_url,
        "backend": backend,
        "capabilities": asdict(capabilities),
        "defaults": asdict(defaults),
    }
    with office.transaction() as connection:
        connection.execute(update(deployment).values(master=said, master_seen_at=func.now()))


def heartbeat(office: Office) -> None:
    """Say that this master is alive."""
    with office.transaction() as connection:
        connection.execute(update(deployment).values(master_seen_at=func.now()))


def load_live(office: Office) -> tuple[list[ExecutionView], list[InstanceView]]:
    """All executions that have not ended and were taken in before, with all their instances."""
    live = select(executions).where(executions.c.status.not_in(FINAL))
    mine = live.where(executions.c.status != ExecutionStatus.SUBMITTED).subquery()
    with office.transaction() as connection:
        views = _readable(connection, connection.execute(select(mine)).all())
        rows = connection.execute(
            select(instances).where(instances.c.execution_id.in_(select(mine.c.id)))
        )
        return views, [_instance_view(row) for row in rows]


def read_news(office: Office) -> News:
    """New submissions, and wishes that nobody has acted on, oldest first."""
    submitted = (
        select(executions)
        .where(executions.c.status == ExecutionStatus.SUBMITTED)
        .order_by(executions.c.id)
    )
    wished = select(intents).where(intents.c.handled_at.is_(None)).order_by(intents.c.id)
    with office.transaction() as connection:
        # Wishes first: what they are about is then surely among the submissions, or known already.
        intents_found = tuple(
            Intent(row.id, row.execution_id, row.kind, row.arguments)
            for row in connection.execute(wished)
        )
        return News(
            tuple(_readable(connection, connection.execute(submitted).all())), intents_found
        )


def write_advance(office: Office, advance: Advance, handled: Sequence[int], now: datetime) -> int:
    """Write one step: executions, instances, events, and the wishes it acted on; all or none.

    Returns the id of the newest event, 0 when there was none.
    """
    with office.transaction() as connection:
        lock_events(connection)
        for execution in advance.executions.values():
            _write_execution(connection, execution, now)
        if advance.instances:
            _write_instances(connection, list(advance.instances.values()))
        if handled:
            connection.execute(
                update(intents).where(intents.c.id.in_(handled)).values(handled_at=now)
            )
        new = [NewEvent(each.execution_id, each.kind, dict(each.data)) for each in advance.events]
        return append_events(connection, new, now)


def secrets_of(office: Office, execution_id: int) -> dict[str, str]:
    """The launch secrets of an execution; empty when there are none."""
    query = select(launch_secrets.c.environment).where(
        launch_secrets.c.execution_id == execution_id
    )
    with office.transaction() as connection:
        return dict(connection.scalar(query) or {})


def statuses_of(office: Office, execution_ids: Sequence[int]) -> dict[int, ExecutionStatus]:
    """The status of those of these executions that the database knows."""
    query = select(executions.c.id, executions.c.status).where(executions.c.id.in_(execution_ids))
    with office.transaction() as connection:
        return {row.id: ExecutionStatus(row.status) for row in connection.execute(query)}


def write_nodes(office: Office, seen: Sequence[Node], now: datetime) -> None:
    """Replace the last known nodes."""
    with office.transaction() as connection:
        connection.execute(delete(nodes))
        if seen:
            connection.execute(
                insert(nodes),
                [
                    {
                        "name": node.name,
                        "memory": node.capacity.memory,
                        "millicores": node.capacity.millicores,
                        "gpus": node.capacity.gpus,
                        "labels": sorted(node.labels),
                        "online": node.online,
                        "draining": node.draining,
                        "images": None if node.images is None else sorted(node.images),
                        "missing_images": dict(node.missing_images),
                        "seen_at": now,
                    }
                    for node in seen
                ],
            )


def write_strangers(office: Office, seen: Sequence[Stranger], now: datetime) -> list[InstanceId]:
    """Replace the instances that nothing explains; returns those that were not known before.

    ``first_seen_at`` of those that were known stays, also when another master saw them.
    """
    identity = list(strangers.primary_key.columns)
    with office.transaction() as connection:
        known = {InstanceId(*row) for row in connection.execute(select(*identity))}
        gone = known - {each.id for each in seen}
        for each in gone:
            connection.execute(delete(strangers).filter_by(**asdict(each)))
        statement = upsert(strangers)
        changing = ("node", "observed", "why")
        if seen:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=identity,
                    set_={name: statement.excluded[name] for name in changing},
                ),
                [
                    {
                        **asdict(each.id),
                        "node": each.node,
                        "observed": each.observed,
                        "why": each.why,
                        "first_seen_at": now,
                    }
                    for each in seen
                ],
            )
    return [each.id for each in seen if each.id not in known]


def _write_execution(connection: Connection, view: ExecutionView, now: datetime) -> None:
    final = view.status in FINAL
    outcome = view.outcome
    connection.execute(
        update(executions)
        .where(executions.c.id == view.id)
        .values(
            status=view.status,
            on_hold=view.on_hold,
            start_failures=view.start_failures,
            terminate=view.terminate,
            outcome=None if outcome is None else outcome.status,
            reason=None if outcome is None else outcome.reason,
            starting_since=view.starting_since,
            started_at=view.started_at,
            ended_at=now if final else None,
        )
    )
    if final:
        connection.execute(delete(launch_secrets).where(launch_secrets.c.execution_id == view.id))


def _write_instances(connection: Connection, views: Sequence[InstanceView]) -> None:
    statement = upsert(instances)
    changing = ("desired", "observed", "exit_code", "detail", "addresses", "started_at", "ended_at")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(instances.primary_key.columns),
            set_={name: statement.excluded[name] for name in changing},
        ),
        [
            {
                "execution_id": view.id.execution_id,
                "service": view.id.service,
                "index": view.id.index,
                "attempt": view.id.attempt,
                "node": view.node,
                "memory": view.reservation.memory,
                "millicores": view.reservation.millicores,
                "gpus": view.reservation.gpus,
                "essential": view.essential,
                "monitor": view.monitor,
                "desired": view.desired,
                "observed": view.observed,
                "exit_code": view.exit_code,
                "detail": view.detail,
                "addresses": [list(each) for each in view.addresses],
                "started_at": view.started_at,
                "ended_at": view.ended_at,
            }
            for view in views
        ],
    )


def _readable(connection: Connection, rows: Sequence[Row[Any]]) -> list[ExecutionView]:
    """The executions; one whose description this version cannot read ends here, in error."""
    views = []
    for row in rows:
        try:
            views.append(_execution_view(row))
        except ZAppError as error:
            _end_unreadable(connection, row, f"This version of Zoe cannot read it: {error}")
    return views


def _end_unreadable(connection: Connection, row: Row[Any], reason: str) -> None:
    ended = datetime.now(UTC)
    lock_events(connection)
    connection.execute(
        update(executions)
        .where(executions.c.id == row.id)
        .values(status="error", outcome="error", reason=reason, ended_at=ended)
    )
    connection.execute(delete(launch_secrets).where(launch_secrets.c.execution_id == row.id))
    data = {"from": row.status, "to": "error", "reason": reason}
    append_events(connection, [NewEvent(row.id, "status", data)], ended)


def _execution_view(row: Row[Any]) -> ExecutionView:
    outcome = None
    if row.outcome is not None:
        outcome = Outcome(ExecutionStatus(row.outcome), row.reason or "")
    return ExecutionView(
        id=row.id,
        user=row.user_name,
        name=row.name,
        zapp=parse_zapp(row.description).zapp,
        status=ExecutionStatus(row.status),
        submitted_at=row.submitted_at,
        on_hold=row.on_hold,
        starting_since=row.starting_since,
        started_at=row.started_at,
        start_failures=row.start_failures,
        terminate=row.terminate,
        outcome=outcome,
    )


def _instance_view(row: Row[Any]) -> InstanceView:
    return InstanceView(
        id=InstanceId(row.execution_id, row.service, row._mapping["index"], row.attempt),
        node=row.node,
        reservation=Amount(row.memory, row.millicores, row.gpus),
        essential=row.essential,
        monitor=row.monitor,
        desired=Desired(row.desired),
        observed=Observed(row.observed),
        exit_code=row.exit_code,
        started_at=row.started_at,
        ended_at=row.ended_at,
        detail=row.detail,
        addresses=tuple((each[0], each[1], each[2]) for each in row.addresses),
    )
