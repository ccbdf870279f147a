"""The deployment, its acting master and its last known nodes, as the hub reads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select

from zoe_core.amount import Amount
from zoe_core.cluster import FINAL, Capabilities, ExecutionStatus, InstanceId, Node, Observed
from zoe_core.zapp import SiteDefaults
from zoe_store.database import Database
from zoe_store.tables import deployment, drains, executions, instances, nodes, strangers
from zoe_store.views import node_view

HOLDS_RESERVATION = instances.c.observed.not_in(("exited", "lost"))
"""The SQL face of ``InstanceView.holds_reservation``."""


@dataclass(frozen=True, slots=True)
class MasterRecord:
    """Where the acting master listens and when it was last seen (by the database's clock).

    ``away_for`` is seconds since then; None when there never was a master.
    """

    uuid: str
    epoch: int
    commands_url: str | None
    logs_url: str | None
    events_url: str | None
    backend: str | None
    capabilities: Capabilities
    defaults: SiteDefaults
    seen_at: datetime | None
    away_for: float | None


@dataclass(frozen=True, slots=True)
class Stranger:
    """An instance of this deployment that nothing explains; ``why`` is a sentence.

    ``first_seen_at`` is None until it is stored.
    """

    id: InstanceId
    node: str
    observed: Observed
    why: str
    first_seen_at: datetime | None = None


def master_record(database: Database) -> MasterRecord:
    """The deployment and what its master last said of itself."""
    age = func.extract("epoch", func.now() - deployment.c.master_seen_at)
    with database.transaction() as connection:
        row = connection.execute(select(deployment, age.label("age"))).one()
    said: dict[str, Any] = row.master or {}
    return MasterRecord(
        uuid=row.uuid,
        epoch=row.epoch,
        commands_url=said.get("commands_url"),
        logs_url=said.get("logs_url"),
        events_url=said.get("events_url"),
        backend=said.get("backend"),
        capabilities=Capabilities(**said.get("capabilities", {})),
        defaults=SiteDefaults(**said.get("defaults", {})),
        seen_at=row.master_seen_at,
        away_for=None if row.age is None else float(row.age),
    )


def known_nodes(database: Database) -> list[Node]:
    """The last known nodes, by name; one that somebody wants drained counts as draining."""
    wished = exists().where(drains.c.node == nodes.c.name)
    query = select(nodes, wished.label("wished")).order_by(nodes.c.name)
    with database.transaction() as connection:
        rows = connection.execute(query).all()
    return [replace(node_view(row), draining=row.draining or row.wished) for row in rows]


def known_strangers(database: Database) -> list[Stranger]:
    """What runs and nothing explains, as the master last saw it, by identity."""
    identity = list(strangers.primary_key.columns)
    with database.transaction() as connection:
        return [
            Stranger(
                id=InstanceId(*row[: len(identity)]),
                node=row.node,
                observed=Observed(row.observed),
                why=row.why,
                first_seen_at=row.first_seen_at,
            )
            for row in connection.execute(select(strangers).order_by(*identity))
        ]


def live_by_status(database: Database) -> dict[ExecutionStatus, int]:
    """How many executions have not ended, by their status."""
    live = executions.c.status.not_in(FINAL)
    query = select(executions.c.status, func.count()).where(live).group_by(executions.c.status)
    with database.transaction() as connection:
        return {ExecutionStatus(status): count for status, count in connection.execute(query)}


def reserved_by_node(database: Database) -> dict[str, Amount]:
    """What the instances of live executions hold on each node that holds any."""
    query = (
        select(
            instances.c.node,
            func.sum(instances.c.memory),
            func.sum(instances.c.millicores),
            func.sum(instances.c.gpus),
        )
        .join_from(instances, executions)
        .where(HOLDS_RESERVATION & executions.c.status.not_in(FINAL))
        .group_by(instances.c.node)
    )
    with database.transaction() as connection:
        return {
            node: Amount(int(memory), int(millicores), int(gpus))
            for node, memory, millicores, gpus in connection.execute(query)
        }
