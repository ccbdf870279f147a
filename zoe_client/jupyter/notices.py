"""What the pages of a Jupyter server are told of its end: plain documents, from Zoe's own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from zoe_core.protocol.rest import Execution

HOUR = 3600
_AT_LEAST, _AT_MOST = 900, 1800  # seconds before the runtime limit, as the portal's pages warn


def notice(execution: Execution, now: datetime) -> dict[str, Any]:
    """What a page needs to know, in lengths of seconds: the clock of a browser may be wrong.

    ``left``: until the server will be ended, null: nothing will end it; ``warn_in``: until the page
    is to say so; ``because``: ``idle`` or ``runtime_limit``; ``more``: what it gets when somebody
    asks, null when it is kept as it is (idle), 0 when nothing helps; ``limit``: the runtime limit
    that it has then, null when idle.
    """
    if execution.ends_at is None:
        return {"left": None}
    left = (execution.ends_at - now).total_seconds()
    if execution.ends_because == "idle":  # not said before the time of the warning
        return {"left": left, "warn_in": 0, "because": "idle", "more": None, "limit": None}
    limit = execution.runtime_limit or 0
    longer = longer_limit(execution)
    return {
        "left": left,
        "warn_in": max(0.0, left - lead(limit)),
        "because": "runtime_limit",
        "more": longer - limit,
        "limit": longer,
    }


def lead(runtime_limit: int) -> float:
    """Seconds before the end from which a page warns: a quarter of an hour, or a bit more."""
    return min(_AT_MOST, max(_AT_LEAST, runtime_limit / 10))


def longer_limit(execution: Execution) -> int:
    """The runtime limit when somebody asks for more: an hour, as far as the quota goes; in seconds.

    The same as now when there is no more.
    """
    limit = execution.runtime_limit or 0
    longest = execution.longest_runtime
    return limit + HOUR if longest is None else max(limit, min(limit + HOUR, longest))
