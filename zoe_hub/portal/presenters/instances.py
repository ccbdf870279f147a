"""Instances as rows of a table: what each of them does now, where, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zoe_core.protocol.rest import Instance
from zoe_hub.portal.presenters.executions import Badge


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One instance.

    ``exit_code`` is empty until it ends. ``monitor``: the execution ends with it. ``runs``: more
    may come into its log.
    """

    name: str
    role: str
    badge: Badge
    node: str
    exit_code: str
    detail: str
    attempt: int
    monitor: bool
    runs: bool


_BADGES = {
    "planned": Badge("Starting", "moving", "fa-rocket"),
    "starting": Badge("Starting", "moving", "fa-rocket"),
    "running": Badge("Running", "running", "fa-play"),
    "stopping": Badge("Stopping", "moving", "fa-hand"),
    "lost": Badge("Lost", "failed", "fa-link-slash"),
    "cancelled": Badge("Not started", "done", "fa-minus"),
}
# By a signal: TERM and INT as a process ends of them, and as a shell reports them; then KILL.
_STOPPED = frozenset({-15, -2, 128 + 15, 128 + 2})
_KILLED = frozenset({-9, 128 + 9})
_RUNS = frozenset({"planned", "starting", "running", "stopping"})


def instance_rows(instances: Iterable[Instance]) -> list[InstanceRow]:
    """Make the rows, in the order of the instances."""
    return [
        InstanceRow(
            name=each.name,
            role="essential" if each.essential else "elastic",
            badge=_badge(each),
            node=each.node,
            exit_code="" if each.exit_code is None else str(each.exit_code),
            detail=each.detail or "",
            attempt=each.attempt,
            monitor=each.monitor,
            runs=each.status in _RUNS,
        )
        for each in instances
    ]


def _badge(instance: Instance) -> Badge:
    if instance.status != "exited":
        return _BADGES[instance.status]
    if instance.exit_code == 0:
        return Badge("Finished", "done", "fa-check")
    if instance.exit_code in _STOPPED:
        return Badge("Stopped", "done", "fa-stop")
    if instance.exit_code in _KILLED:
        return Badge("Killed", "done", "fa-stop")
    return Badge("Failed", "failed", "fa-triangle-exclamation")
