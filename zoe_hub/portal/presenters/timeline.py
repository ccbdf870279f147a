"""The states that an execution has gone through, how long each lasted, and what is to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.protocol.rest import Execution
from zoe_hub.portal.presenters.executions import Badge, badge
from zoe_hub.portal.presenters.times import Moment, duration, moment

_USUAL = (
    ExecutionStatus.SUBMITTED,
    ExecutionStatus.QUEUED,
    ExecutionStatus.STARTING,
    ExecutionStatus.RUNNING,
    ExecutionStatus.CLEANING_UP,
)
_END = Badge("Ended", "done", "fa-flag-checkered")
SHOWN = 9
"""The newest steps that are shown of one that was started again and again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One state: ``now`` when it is in it, ``at`` None when that is still to come.

    ``lasted`` is how long, empty of what is to come and of the end; ``since`` is when the present
    one began (ISO 8601), for pages that count on.
    """

    badge: Badge
    at: Moment | None = None
    lasted: str = ""
    since: str = ""
    now: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """It came into a state."""

    to: ExecutionStatus
    at: datetime


def timeline(execution: Execution, moves: Iterable[Move], now: datetime) -> list[Step]:
    """The steps in their order; ``moves`` are those after the submission, oldest first."""
    passed = [Move(ExecutionStatus.SUBMITTED, execution.submitted_at), *moves]
    shown = [_step(passed, number, now) for number in range(len(passed))]
    return [*shown[-SHOWN:], *_coming(passed[-1].to)]


def _step(passed: Sequence[Move], number: int, now: datetime) -> Step:
    move = passed[number]
    told = badge(move.to)
    at = moment(move.at, now)
    if move.to in FINAL:
        return Step(told, at)
    if number + 1 < len(passed):
        return Step(told, at, duration(move.at, passed[number + 1].at))
    return Step(told, at, duration(move.at, now), at.iso, now=True)


def _coming(status: ExecutionStatus) -> list[Step]:
    if status in FINAL:
        return []
    # That it cleans up is of no interest before it does.
    later = [each for each in _USUAL[_USUAL.index(status) + 1 :] if each != _USUAL[-1]]
    return [*(Step(badge(each)) for each in later), Step(_END)]
