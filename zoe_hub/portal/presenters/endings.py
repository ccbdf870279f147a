"""What is about to be ended: when a person is warned of it, and how much longer it may run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol.rest import Execution
from zoe_hub.portal.presenters.times import Moment, moment, seconds_in_words

_HOUR = 3600
_STEPS = (_HOUR, 4 * _HOUR)  # seconds
_AT_LEAST = 900  # seconds before the end; or a tenth of the limit, but no more than half an hour
_AT_MOST = 1800


@dataclass(frozen=True, slots=True)
class Extension:
    """A button: ``label`` is what is on it, ``runtime_limit`` what it asks for, in seconds."""

    label: str
    runtime_limit: int


@dataclass(frozen=True, slots=True)
class Ending:
    """One execution that will be ended at ``at``.

    ``due`` says whether it is time to warn; ``warn_at`` is when that is (ISO 8601). ``left`` is the
    time that is left, in words. What is ``idle`` can be kept, else ``extensions`` let it run on.
    """

    id: int
    name: str
    url: str
    at: Moment
    left: str
    warn_at: str
    due: bool
    idle: bool
    limit: str
    extensions: tuple[Extension, ...]


def endings(executions: Iterable[Execution], now: datetime) -> list[Ending]:
    """Those of them that something will end, the next one first."""
    found = [each for one in executions if (each := ending(one, now)) is not None]
    return sorted(found, key=lambda each: each.at.iso)


def ending(execution: Execution, now: datetime) -> Ending | None:
    """How it will be ended; None when nothing will end it, or it is ending already."""
    at = execution.ends_at
    if at is None or execution.status is not ExecutionStatus.RUNNING:
        return None
    idle = execution.ends_because == "idle"
    warn_at = at - lead(None if idle else execution.runtime_limit)
    return Ending(
        id=execution.id,
        name=execution.name,
        url=execution.url,
        at=moment(at, now),
        left=seconds_in_words((at - now).total_seconds()),
        warn_at=warn_at.isoformat(timespec="seconds"),
        due=now >= warn_at,
        idle=idle,
        limit="" if execution.runtime_limit is None else seconds_in_words(execution.runtime_limit),
        extensions=() if idle else extensions(execution.runtime_limit, execution.longest_runtime),
    )


def lead(runtime_limit: int | None) -> timedelta:
    """How long before the end people are warned; ``runtime_limit`` is in seconds."""
    tenth = (runtime_limit or 0) / 10
    return timedelta(seconds=min(_AT_MOST, max(_AT_LEAST, tenth)))


def extensions(runtime_limit: int | None, longest: int | None) -> tuple[Extension, ...]:
    """The longer limits that are offered, in seconds: what the quota allows, if that is less."""
    if runtime_limit is None:
        return ()
    fitting = tuple(
        Extension(f"+{step // _HOUR} h", runtime_limit + step)
        for step in _STEPS
        if longest is None or runtime_limit + step <= longest
    )
    if len(fitting) == len(_STEPS) or longest is None or longest <= runtime_limit:
        return fitting
    if fitting and fitting[-1].runtime_limit == longest:
        return fitting
    most = Extension(f"+{seconds_in_words(longest - runtime_limit)}", longest)
    return (*fitting, most)
