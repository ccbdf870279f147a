"""Executions in lists: a badge for the state, when, for how long, and what can be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.protocol.rest import Execution
from zoe_hub.portal.presenters.times import Moment, duration, moment


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in a word; ``tone`` is a class of our style sheet, ``icon`` one of Font Awesome."""

    text: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class Row:
    """One execution in a list.

    ``lasted`` is how long it runs or ran; ``since`` is when it started if it still runs (ISO 8601);
    ``note`` is its place in the queue or the reason of its end. Each may be empty.
    """

    id: int
    name: str
    url: str
    zapp: str
    badge: Badge
    submitted: Moment
    lasted: str
    since: str
    note: str
    live: bool
    stoppable: bool


_BADGES = {
    ExecutionStatus.SUBMITTED: Badge("Submitted", "waiting", "fa-inbox"),
    ExecutionStatus.QUEUED: Badge("Queued", "waiting", "fa-hourglass-half"),
    ExecutionStatus.STARTING: Badge("Starting", "moving", "fa-rocket"),
    ExecutionStatus.RUNNING: Badge("Running", "running", "fa-play"),
    ExecutionStatus.CLEANING_UP: Badge("Cleaning up", "moving", "fa-broom"),
    ExecutionStatus.TERMINATED: Badge("Terminated", "done", "fa-check"),
    ExecutionStatus.ERROR: Badge("Error", "failed", "fa-triangle-exclamation"),
}


STOPPABLE = frozenset(
    {
        ExecutionStatus.SUBMITTED,
        ExecutionStatus.QUEUED,
        ExecutionStatus.STARTING,
        ExecutionStatus.RUNNING,
    }
)
"""The states in which it makes sense to ask for the end."""


def badge(status: ExecutionStatus) -> Badge:
    """The badge of a state."""
    return _BADGES[status]


def rows(executions: Iterable[Execution], titles: Mapping[str, str], now: datetime) -> list[Row]:
    """Make the rows of a list; ``titles`` has the ZApps' titles by slug."""
    return [
        Row(
            id=each.id,
            name=each.name,
            url=each.url,
            zapp=zapp_title(each, titles),
            badge=badge(each.status),
            submitted=moment(each.submitted_at, now),
            lasted=lasted(each, now),
            since=since(each),
            note=_note(each),
            live=each.status not in FINAL,
            stoppable=each.status in STOPPABLE,
        )
        for each in executions
    ]


def zapp_title(execution: Execution, titles: Mapping[str, str]) -> str:
    """What the ZApp is called; its slug when the gallery has it no more."""
    if execution.zapp is None:
        return "Own description"
    return titles.get(execution.zapp, execution.zapp)


def lasted(execution: Execution, now: datetime) -> str:
    """How long it has run, or ran; empty when it did not start."""
    if execution.started_at is None:
        return ""
    return duration(execution.started_at, execution.ended_at or now)


def since(execution: Execution) -> str:
    """When it started, as ISO 8601, while it still runs: pages count on from there; else empty."""
    if execution.started_at is None or execution.ended_at is not None:
        return ""
    return execution.started_at.isoformat(timespec="seconds")


def _note(execution: Execution) -> str:
    waiting = execution.waiting
    if waiting is None or waiting.position is None:
        return execution.reason or ""
    place = f"Number {waiting.position} in the queue"
    if waiting.expected is None or waiting.expected.status == "unknown":
        return place
    return f"{place}. {waiting.expected.text}"
