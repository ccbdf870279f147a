"""An execution: its states, the legal moves between them, and the scheduler's view of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from zoe_core.zapp import UNCHANGED, Changes, ZApp


class ExecutionStatus(StrEnum):
    """The life of an execution; see ``TRANSITIONS``."""

    SUBMITTED = "submitted"
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    CLEANING_UP = "cleaning_up"
    TERMINATED = "terminated"
    ERROR = "error"


FINAL = frozenset({ExecutionStatus.TERMINATED, ExecutionStatus.ERROR})

TRANSITIONS: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    ExecutionStatus.SUBMITTED: frozenset({ExecutionStatus.QUEUED, *FINAL}),
    # To cleaning_up when it is ended after a start that failed: that left something behind.
    ExecutionStatus.QUEUED: frozenset(
        {ExecutionStatus.STARTING, ExecutionStatus.CLEANING_UP, *FINAL}
    ),
    # Back to the queue when the gang is not whole by its start deadline.
    ExecutionStatus.STARTING: frozenset(
        {ExecutionStatus.RUNNING, ExecutionStatus.QUEUED, ExecutionStatus.CLEANING_UP}
    ),
    ExecutionStatus.RUNNING: frozenset({ExecutionStatus.CLEANING_UP}),
    ExecutionStatus.CLEANING_UP: FINAL,
    ExecutionStatus.TERMINATED: frozenset(),
    ExecutionStatus.ERROR: frozenset(),
}


class IllegalTransition(Exception):
    """A move that the table does not know: a defect of the caller, never a user's mistake."""


def check_transition(old: ExecutionStatus, new: ExecutionStatus) -> None:
    """Raise IllegalTransition unless ``TRANSITIONS`` allows ``old -> new``."""
    if new not in TRANSITIONS[old]:
        raise IllegalTransition(f"an execution cannot go from {old} to {new}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ends: decided when it enters ``cleaning_up``, final once all is gone."""

    status: ExecutionStatus
    reason: str


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """One live execution, as the scheduler and the reconciler see it.

    ``start_failures`` counts the gangs that were not whole by their deadline. ``terminate`` holds
    the reason of a wish to end it that was not yet acted on. ``zapp`` has its parameters applied,
    and ``changes``, which were asked for since. ``groups`` are the user's at submission.
    ``expected_seconds`` is how long it will probably run, None when nothing is known. ``overtaken``
    counts the starts of others that may have delayed it.
    """

    id: int
    user: str
    name: str
    zapp: ZApp
    status: ExecutionStatus
    submitted_at: datetime
    on_hold: bool = False
    starting_since: datetime | None = None
    started_at: datetime | None = None
    start_failures: int = 0
    terminate: str | None = None
    outcome: Outcome | None = None
    groups: tuple[str, ...] = ()
    expected_seconds: float | None = None
    overtaken: int = 0
    changes: Changes = UNCHANGED
