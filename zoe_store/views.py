"""Between the rows of the database and the views of them that the core decides on."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from zoe_core.amount import Amount
from zoe_core.cluster import (
    FINAL,
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Node,
    Observed,
    Outcome,
)
from zoe_core.zapp import Changes, amend, parse_zapp


def execution_view(row: Row[Any]) -> ExecutionView:
    """A stored execution; raises ZAppError when this version cannot read its description."""
    changes = Changes.model_validate(row.changes)
    outcome = None
    if row.outcome is not None:
        outcome = Outcome(ExecutionStatus(row.outcome), row.reason or "")
    return ExecutionView(
        id=row.id,
        user=row.user_name,
        name=row.name,
        zapp=amend(parse_zapp(row.description).zapp, changes),
        status=ExecutionStatus(row.status),
        submitted_at=row.submitted_at,
        on_hold=row.on_hold,
        starting_since=row.starting_since,
        started_at=row.started_at,
        start_failures=row.start_failures,
        terminate=row.terminate,
        outcome=outcome,
        groups=tuple(row.groups),
        overtaken=row.overtaken,
        changes=changes,
    )


def life_row(view: ExecutionView, now: datetime) -> dict[str, Any]:
    """What the master writes of an execution, moments as JSON has them."""
    outcome = view.outcome
    return {
        "id": view.id,
        "status": view.status,
        "on_hold": view.on_hold,
        "start_failures": view.start_failures,
        "terminate": view.terminate,
        "outcome": None if outcome is None else outcome.status,
        "reason": None if outcome is None else outcome.reason,
        "overtaken": view.overtaken,
        "changes": view.changes.document(),
        "starting_since": _json_moment(view.starting_since),
        "started_at": _json_moment(view.started_at),
        "ended_at": _json_moment(now if view.status in FINAL else None),
    }


def instance_view(row: Row[Any]) -> InstanceView:
    """A stored instance."""
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
        devices=tuple(row.devices),
    )


def instance_row(view: InstanceView) -> dict[str, Any]:
    """All that is stored of an instance, moments as JSON has them."""
    return {
        **asdict(view.id),
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
        "addresses": view.addresses,
        "devices": view.devices,
        "started_at": _json_moment(view.started_at),
        "ended_at": _json_moment(view.ended_at),
    }


def node_row(node: Node, now: datetime) -> dict[str, Any]:
    """A node as it was seen now."""
    return {
        "name": node.name,
        "memory": node.capacity.memory,
        "millicores": node.capacity.millicores,
        "gpus": node.capacity.gpus,
        "labels": sorted(node.labels),
        "online": node.online,
        "draining": node.draining,
        "images": None if node.images is None else sorted(node.images),
        "missing_images": dict(node.missing_images),
        "devices": list(node.devices),
        "pressured": node.pressured,
        "local_images": sorted(node.local_images),
        "seen_at": now,
    }


def node_view(row: Row[Any]) -> Node:
    """A node as it was last seen."""
    return Node(
        name=row.name,
        capacity=Amount(row.memory, row.millicores, row.gpus),
        labels=frozenset(row.labels),
        online=row.online,
        draining=row.draining,
        images=None if row.images is None else frozenset(row.images),
        missing_images=row.missing_images,
        devices=tuple(row.devices),
        pressured=row.pressured,
        local_images=frozenset(row.local_images),
    )


def _json_moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
