"""How long an execution may run, and when what ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from zoe_core.cluster import Quotas
from zoe_store.executions import ExecutionRecord


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds from the start, None for no limit: ``runtime`` is what counts, ``longest`` the quota.

    ``ends_at`` is when it will be ended, ``because`` of what; None: nobody knows, or never.
    """

    runtime: int | None
    longest: int | None
    ends_at: datetime | None
    because: Literal["runtime_limit", "idle"] | None


def limits_of(record: ExecutionRecord, quotas: Quotas, idle_end: datetime | None = None) -> Limits:
    """The limits of an execution, as the master keeps them.

    ``idle_end`` is when it will be ended for its idleness; what comes first counts.
    """
    quota = quotas.of(record.user, record.groups)
    longest = quota.runtime_limit
    runtime = quota.runtime_limit_beside(current(record, "runtime_limit"))
    started = None if record.outcome is not None else record.started_at
    if started is None:
        return Limits(runtime, longest, None, None)
    ran_out = None if runtime is None else started + timedelta(seconds=runtime)
    if idle_end is not None and (ran_out is None or idle_end < ran_out):
        return Limits(runtime, longest, idle_end, "idle")
    return Limits(runtime, longest, ran_out, None if ran_out is None else "runtime_limit")


def current(record: ExecutionRecord, name: str) -> Any:
    """A value of the description as it is now; None when it has none."""
    return record.changes.get(name, record.description.get(name))
