"""What the master reads and writes. Only the acting master does: see ``Office``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert

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
)
from zoe_core.scheduling import Advance
from zoe_core.zapp import SiteDefaults, ZAppError
from zoe_store.cluster import HOLDS_RESERVATION, Stranger
from zoe_store.events import NewEvent, append_events, lock_events
from zoe_store.office import Office
from zoe_store.purge import KIND as PURGE
from zoe_store.rows import insert_many, update_many
from zoe_store.site_rules import SiteRules, read_rules
from zoe_store.tables import (
    deployment,
    executions,
    instances,
    intents,
    launch_secrets,
    nodes,
    strangers,
)
from zoe_store.views import execution_view, instance_row, instance_view, life_row, node_row


@dataclass(frozen=True, slots=True)
class Intent:
    """A wish of a person that the master has not yet acted on."""

    id: int
    execution_id: int
    kind: str
    by_user: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class News:
    """What the hub wrote since the master looked last, and its rules as they are now."""

    submitted: tuple[ExecutionView, ...]
    intents: tuple[Intent, ...]
    more: bool = False
    """Whether there may be more: then look again at once."""
    rules: SiteRules = field(default_factory=SiteRules)


PAGE = 1000
"""Executions, or wishes, that are read at once: what lies in the database may be any number."""


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
    taken_in = executions.c.status.not_in((*FINAL, ExecutionStatus.SUBMITTED))
    page = select(executions).where(taken_in).order_by(executions.c.id).limit(PAGE)
    views: list[ExecutionView] = []
    parts: list[InstanceView] = []
    after = 0
    while True:
        with office.reading() as connection:
            rows = connection.execute(page.where(executions.c.id > after)).all()
            mine = instances.c.execution_id.in_([row.id for row in rows])
            found = connection.execute(select(instances).where(mine)).all()
        readable = {view.id: view for view in _readable(office, rows)}
        views += readable.values()
        parts += [instance_view(row) for row in found if row.execution_id in readable]
        if len(rows) < PAGE:
            return views, parts
        after = rows[-1].id


def read_news(office: Office) -> News:
    """New submissions, and wishes that nobody has acted on, oldest first; a ``PAGE`` at most.

    And the rules of the site.
    """
    new = executions.c.status == ExecutionStatus.SUBMITTED
    submitted = select(executions).where(new).order_by(executions.c.id).limit(PAGE)
    # A wish to purge is no news: the execution has ended. See `zoe_store.purge`.
    unhandled = intents.c.handled_at.is_(None) & (intents.c.kind != PURGE)
    wished = select(intents).where(unhandled).order_by(intents.c.id).limit(PAGE)
    with office.reading() as connection:
        # Wishes first: what they are about is then surely among the submissions, or known already,
        wishes = connection.execute(wished).all()
        rows = connection.execute(submitted).all()
        rules = read_rules(connection)
    full = len(rows) == PAGE
    return News(
        tuple(_readable(office, rows)),
        tuple(
            Intent(row.id, row.execution_id, row.kind, row.by_user, row.arguments)
            for row in wishes
            # or on a later page of them.
            if not full or row.execution_id <= rows[-1].id
        ),
        more=full or len(wishes) == PAGE,
        rules=rules,
    )


def write_advance(office: Office, advance: Advance, handled: Sequence[int], now: datetime) -> int:
    """Write one step: executions, instances, events, and the wishes it acted on; all or none.

    Returns the id of the newest event, 0 when there was none.
    """
    # All that can be done before: nobody can submit while we hold the lock of the events.
    lives = [life_row(view, now) for view in advance.executions.values()]
    parts = [instance_row(view) for view in advance.instances.values()]
    new = [NewEvent(each.execution_id, each.kind, dict(each.data)) for each in advance.events]
    with office.transaction() as connection:
        lock_events(connection)
        _write_lives(connection, lives)
        if parts:
            connection.execute(_UPSERT_INSTANCES, {"rows": parts})
        if handled:
            connection.execute(
                update(intents).where(intents.c.id.in_(handled)).values(handled_at=now)
            )
        return append_events(connection, new, now)


def secrets_of(office: Office, execution_id: int) -> dict[str, str]:
    """The launch secrets of an execution; empty when there are none."""
    query = select(launch_secrets.c.environment).where(
        launch_secrets.c.execution_id == execution_id
    )
    with office.reading() as connection:
        return dict(connection.scalar(query) or {})


def statuses_of(office: Office, execution_ids: Sequence[int]) -> dict[int, ExecutionStatus]:
    """The status of those of these executions that the database knows."""
    query = select(executions.c.id, executions.c.status).where(executions.c.id.in_(execution_ids))
    with office.reading() as connection:
        return {row.id: ExecutionStatus(row.status) for row in connection.execute(query)}


def write_nodes(office: Office, seen: Sequence[Node], now: datetime) -> None:
    """Replace the last known nodes."""
    with office.transaction() as connection:
        connection.execute(delete(nodes))
        if seen:
            connection.execute(insert(nodes), [node_row(each, now) for each in seen])


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


_UPDATE_LIVES = update_many(
    executions,
    "status",
    "on_hold",
    "start_failures",
    "overtaken",
    "changes",
    "terminate",
    "outcome",
    "reason",
    "starting_since",
    "started_at",
    "ended_at",
    key="id",
)


def _write_lives(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """What became of executions; the secrets of those that have ended are wiped."""
    if rows:
        connection.execute(_UPDATE_LIVES, {"rows": rows})
    ended = [row["id"] for row in rows if row["status"] in FINAL]
    if ended:
        connection.execute(delete(launch_secrets).where(launch_secrets.c.execution_id.in_(ended)))


def _upsert_instances() -> Insert:
    new = "node", "memory", "millicores", "gpus", "devices", "essential", "monitor"
    changing = "desired", "observed", "exit_code", "detail", "addresses", "started_at", "ended_at"
    identity = list(instances.primary_key.columns)
    statement = insert_many(instances, *(each.name for each in identity), *new, *changing)
    return statement.on_conflict_do_update(
        index_elements=identity, set_={name: statement.excluded[name] for name in changing}
    )


_UPSERT_INSTANCES = _upsert_instances()


def _readable(office: Office, rows: Sequence[Row[Any]]) -> list[ExecutionView]:
    """The executions; those whose description this version cannot read end here, in error.

    Not within the transaction that read the rows: Postgres ends one that is silent for long.
    """
    views, unreadable = [], []
    for row in rows:
        try:
            views.append(execution_view(row))
        except ZAppError as error:
            unreadable.append((row, f"This version of Zoe cannot read it: {error}"))
    if unreadable:
        _end_unreadable(office, unreadable)
    return views


_UPDATE_ENDS = update_many(executions, "status", "outcome", "reason", "ended_at", key="id")


def _end_unreadable(office: Office, unreadable: Sequence[tuple[Row[Any], str]]) -> None:
    """They end and hold no room; the observer removes what still runs of them."""
    now = datetime.now(UTC)
    ends, new = [], []
    for row, reason in unreadable:
        end = {"id": row.id, "status": "error", "outcome": "error", "reason": reason}
        ends.append({**end, "ended_at": now.isoformat()})
        data = {"from": row.status, "to": "error", "reason": reason}
        new.append(NewEvent(row.id, "status", data))
    theirs = [end["id"] for end in ends]
    with office.transaction() as connection:
        lock_events(connection)
        connection.execute(_UPDATE_ENDS, {"rows": ends})
        connection.execute(
            update(instances)
            .where(instances.c.execution_id.in_(theirs) & HOLDS_RESERVATION)
            .values(desired=Desired.ABSENT, observed=Observed.LOST, ended_at=now)
        )
        connection.execute(delete(launch_secrets).where(launch_secrets.c.execution_id.in_(theirs)))
        append_events(connection, new, now)
