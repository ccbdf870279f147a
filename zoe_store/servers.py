"""Jupyter servers that wait while JupyterHub is restarted: put on hold, and launched again.

The token in the launch secrets of a server that waits dies with the Hub that made it. So the Hub
wishes a ``hold``; the master confirms it (``on_hold``), and from then on starts no instance with
these secrets. Only then are they replaced, together with the wish to ``release`` the execution:
whatever the master starts after a release finds the new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ScalarSelect, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_store.database import Database
from zoe_store.events import NewEvent, append_events, lock_events
from zoe_store.tables import executions, intents, launch_secrets

HOLD, RELEASE = "hold", "release"
BY = "JupyterHub"
"""Who wishes it, in the log: a restarted Hub does so for nobody in particular."""

WAITING = frozenset({ExecutionStatus.SUBMITTED, ExecutionStatus.QUEUED, ExecutionStatus.STARTING})
"""It has not begun to run: it can still be started with other secrets."""


@dataclass(frozen=True, slots=True)
class LiveServer:
    """A server of JupyterHub that nobody wishes to end. ``held``: it waits for new secrets."""

    id: int
    user: str
    server_name: str
    name: str
    zapp: str
    parameters: dict[str, Any]
    status: ExecutionStatus
    held: bool


@dataclass(frozen=True, slots=True)
class _Life:
    """What decides about hold and release. ``wished``: the newest of them not yet acted on."""

    status: ExecutionStatus
    on_hold: bool
    ending: bool
    wished: str | None

    @property
    def waits(self) -> bool:
        return self.status in WAITING and not self.ending

    @property
    def held(self) -> bool:
        return self.wished == HOLD if self.wished is not None else self.on_hold

    @property
    def confirmed(self) -> bool:
        """The master knows of the hold, and of nothing after it."""
        return self.on_hold and self.wished is None


def hold(database: Database, execution_id: int, reason: str, now: datetime) -> bool:
    """Wish that the execution is not started with its secrets; nothing when that is wished already.

    False when it does not wait any longer: it runs, has ended, or somebody wishes its end. One that
    is being started may still come to run before the master hears of the wish.
    """
    with database.transaction() as connection:
        lock_events(connection)
        life = _life_of(connection, execution_id)
        if life is None or not life.waits:
            return False
        if not life.held:
            _wish(connection, execution_id, HOLD, {"reason": reason}, now)
        return True


def relaunch(
    database: Database, execution_id: int, secrets: Mapping[str, str], now: datetime
) -> bool:
    """Replace the secrets of an execution on hold and wish its release; False: nothing was done.

    That is so when it does not wait any longer, and as long as the master has not confirmed the
    hold: it could be starting an instance with the old ones. Done once for the same secrets.
    """
    with database.transaction() as connection:
        lock_events(connection)
        life = _life_of(connection, execution_id)
        if life is None or life.status in FINAL:
            return False
        if _secrets_of(connection, execution_id) == dict(secrets):
            return True
        if not (life.waits and life.confirmed):
            return False
        statement = upsert(launch_secrets).values(
            execution_id=execution_id, environment=dict(secrets)
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[launch_secrets.c.execution_id],
                set_={"environment": statement.excluded.environment},
            )
        )
        _wish(connection, execution_id, RELEASE, {}, now)
        return True


def is_held(database: Database, execution_id: int) -> bool:
    """Whether it waits for new secrets."""
    with database.transaction() as connection:
        life = _life_of(connection, execution_id)
        return life is not None and life.waits and life.held


def live_servers(database: Database) -> list[LiveServer]:
    """The executions that are servers of JupyterHub and wait or run, oldest first."""
    query = (
        select(
            executions.c.id,
            executions.c.user_name,
            executions.c.server_name,
            executions.c.name,
            executions.c.zapp,
            executions.c.parameters,
            executions.c.status,
            executions.c.on_hold,
            _newest_wish().label("wished"),
        )
        .where(executions.c.server_name.is_not(None))
        .where(executions.c.status.in_([*WAITING, ExecutionStatus.RUNNING]))
        .where(executions.c.status.not_in(FINAL))  # what the index of live executions says
        .where(executions.c.terminate.is_(None), ~_end_is_wished())
        .order_by(executions.c.id)
    )
    with database.transaction() as connection:
        found = []
        for row in connection.execute(query):
            life = _Life(ExecutionStatus(row.status), row.on_hold, False, row.wished)
            held = life.waits and life.held
            found.append(LiveServer(*row[:6], life.status, held))
        return found


def _life_of(connection: Connection, execution_id: int) -> _Life | None:
    row = connection.execute(
        select(
            executions.c.status,
            executions.c.on_hold,
            (executions.c.terminate.is_not(None) | _end_is_wished()).label("ending"),
            _newest_wish().label("wished"),
        ).where(executions.c.id == execution_id)
    ).one_or_none()
    if row is None:
        return None
    return _Life(ExecutionStatus(row.status), row.on_hold, row.ending, row.wished)


def _newest_wish() -> ScalarSelect[Any]:
    """The kind of the newest wish to hold or release that the master has not acted on."""
    return (
        select(intents.c.kind)
        .where(intents.c.execution_id == executions.c.id, intents.c.handled_at.is_(None))
        .where(intents.c.kind.in_([HOLD, RELEASE]))
        .order_by(intents.c.id.desc())
        .limit(1)
        .correlate(executions)
        .scalar_subquery()
    )


def _end_is_wished() -> Any:
    return (
        select(intents.c.id)
        .where(intents.c.execution_id == executions.c.id, intents.c.kind == "terminate")
        .where(intents.c.handled_at.is_(None))
        .correlate(executions)
        .exists()
    )


def _secrets_of(connection: Connection, execution_id: int) -> dict[str, str] | None:
    query = select(launch_secrets.c.environment).where(
        launch_secrets.c.execution_id == execution_id
    )
    return connection.scalar(query)


def _wish(
    connection: Connection,
    execution_id: int,
    kind: str,
    arguments: dict[str, Any],
    now: datetime,
) -> None:
    connection.execute(
        insert(intents).values(
            execution_id=execution_id, kind=kind, by_user=BY, arguments=arguments, at=now
        )
    )
    event = NewEvent(execution_id, f"{kind}_requested", {"by": BY, **arguments})
    append_events(connection, [event], now)
