"""States, times and amounts in the words that the portal's pages use too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from zoe_core.amount import describe_memory
from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.protocol.rest import Instance, Resources

Tone = Literal["waiting", "moving", "running", "done", "failed", "lost"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in a word or two."""

    text: str
    tone: Tone


_EXECUTION = {
    ExecutionStatus.SUBMITTED: Badge("Submitted", "waiting"),
    ExecutionStatus.QUEUED: Badge("Queued", "waiting"),
    ExecutionStatus.STARTING: Badge("Starting", "moving"),
    ExecutionStatus.RUNNING: Badge("Running", "running"),
    ExecutionStatus.CLEANING_UP: Badge("Cleaning up", "moving"),
    ExecutionStatus.TERMINATED: Badge("Terminated", "done"),
    ExecutionStatus.ERROR: Badge("Error", "failed"),
}
_INSTANCE = {
    "planned": Badge("Starting", "moving"),
    "starting": Badge("Starting", "moving"),
    "running": Badge("Running", "running"),
    "stopping": Badge("Stopping", "moving"),
    "lost": Badge("Lost", "failed"),
    "cancelled": Badge("Not started", "done"),
}
LOST = Badge("Lost connection, trying again", "lost")

STOPPABLE = frozenset(ExecutionStatus) - FINAL - {ExecutionStatus.CLEANING_UP}
"""The states in which it makes sense to ask for the end."""


def execution_badge(status: ExecutionStatus) -> Badge:
    """The state of an execution."""
    return _EXECUTION[status]


def instance_badge(instance: Instance) -> Badge:
    """The state of an instance; one that has ended says how."""
    if instance.status != "exited":
        return _INSTANCE[instance.status]
    if instance.exit_code == 0:
        return Badge("Finished", "done")
    if instance.exit_code in (None, -15, -2, 143, 130):  # TERM and INT, also as a shell tells them
        return Badge("Stopped", "done")
    return Badge(f"Failed ({instance.exit_code})", "failed")


def moment(at: datetime) -> str:
    """A moment in the notebook's own time zone: ``2 Nov 2026, 14:05:09``."""
    local = at.astimezone()
    return f"{local.day} {local:%b %Y, %H:%M:%S}"


def lasted(start: datetime, end: datetime) -> str:
    """How long, in the two largest units: ``45 s``, ``3 min 5 s``, ``2 h 10 min``."""
    left = max(0, round((end - start).total_seconds()))
    parts: list[tuple[int, str]] = []
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count) or "0 s"


def resources(amount: Resources) -> str:
    """``512 MB, 0.5 cores``, and GPUs when there are any."""
    gpus = f", {amount.gpus} GPU{'' if amount.gpus == 1 else 's'}" if amount.gpus else ""
    return f"{describe_memory(amount.memory)}, {amount.cores:g} cores{gpus}"


_TERMINAL = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\^_])")


def log_text(text: str) -> str:
    """A log as a page shows it: without colours, and of a progress bar only how it was last."""
    lines = _TERMINAL.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def plain(text: str) -> str:
    """Without control characters, which would speak to a terminal; for names that others chose."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
