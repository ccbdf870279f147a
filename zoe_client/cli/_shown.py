"""Executions as commands show them: a state and its colour, a row, a sentence, an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from zoe_client.cli._output import Cell, Column, Content
from zoe_client.cli._run import FAILED, OK
from zoe_client.cli._sizes import size_words
from zoe_client.cli._words import ago, between, clock, duration, exact

if TYPE_CHECKING:
    from zoe_core.protocol.rest import Execution, Instance, Waiting

_STYLES = {
    "submitted": "yellow",
    "queued": "yellow",
    "planned": "yellow",
    "starting": "cyan",
    "running": "green",
    "cleaning_up": "cyan",
    "stopping": "cyan",
    "terminated": "dim",
    "exited": "dim",
    "cancelled": "dim",
    "error": "bold red",
    "lost": "bold red",
}
_STATES_SAID = {
    "cleaning_up": "is cleaning up",
    "terminated": "has ended",
    "error": "has failed",
}
_LARGEST_EXIT_CODE = 125
"""Those above have a meaning of their own in a shell: 126 to 128, and 128 + a signal."""

STATES = ("submitted", "queued", "starting", "running", "cleaning_up", "terminated", "error")
"""Of an execution, in the order of its life; those of the core, which is slow to load."""
LIVE = STATES[:-2]

COLUMNS = (
    Column("id", right=True),
    Column("name", cut=True),
    Column("zapp", cut=True),
    Column("status"),
    Column("submitted"),
    Column("lasted", right=True),
    Column("note", cut=True),
)
OF_ALL = (*COLUMNS[:3], Column("user"), *COLUMNS[3:])


def status_cell(status: str) -> Cell:
    """The state of an execution or an instance, in its colour."""
    return Cell(status.replace("_", " "), _STYLES.get(status, ""))


def rows(
    executions: Sequence[Execution], *, users: bool, terminal: bool
) -> list[Sequence[Content]]:
    """The rows of a list, for ``COLUMNS``, or ``OF_ALL`` with ``users``.

    A terminal gets times as people say them, a pipe as programs sort them.
    """
    now = datetime.now(UTC)
    return [
        (
            str(each.id),
            each.name,
            each.zapp or "-",
            *((each.user,) if users else ()),
            status_cell(each.status),
            ago(each.submitted_at, now) if terminal else exact(each.submitted_at),
            between(each.started_at, each.ended_at or now),
            note(each),
        )
        for each in executions
    ]


def note(execution: Execution) -> str:
    """What else there is to say in a list: its place in the queue, or how it ended."""
    waiting = execution.waiting
    if waiting is None:
        return execution.reason or ""
    told = [*_place(waiting), *_start(waiting)]
    return _joined(told) if told else _joined(waiting.reasons[:1])


def waiting_words(waiting: Waiting) -> str:
    """``number 3 in the queue; memory is short; starts in about 12 min``."""
    return _joined([*_place(waiting), *waiting.reasons[:1], *_start(waiting)])


def sentence(execution: Execution) -> str:
    """Where it is in its life, without a full stop: ``is queued: number 3 in the queue``."""
    waiting = execution.waiting
    said = (execution.reason or "").rstrip(".") if waiting is None else waiting_words(waiting)
    state = _STATES_SAID.get(execution.status, f"is {execution.status}")
    return f"{state}: {said}" if said else state


def _place(waiting: Waiting) -> list[str]:
    return [] if waiting.position is None else [f"number {waiting.position} in the queue"]


def _start(waiting: Waiting) -> list[str]:
    expected = waiting.expected
    if expected is None or expected.status == "unknown":
        return []
    return [expected.text[:1].lower() + expected.text[1:]]


def _joined(told: Iterable[str]) -> str:
    return "; ".join(each.rstrip(".") for each in told)


def facts(execution: Execution, url: str) -> Mapping[str, Content]:
    """All there is to say of one, but its instances and endpoints; ``url`` is its page."""
    found: dict[str, Content] = {
        "Execution": f"{execution.id} {execution.name}",
        "ZApp": execution.zapp or "a description of your own",
        "User": execution.user,
        "Status": status_cell(execution.status),
        "Submitted": clock(execution.submitted_at),
        "Started": clock(execution.started_at),
        "Ended": clock(execution.ended_at),
        "Lasted": between(execution.started_at, execution.ended_at or datetime.now(UTC)),
        "Page": url,
    }
    if execution.waiting is not None:
        found["Waiting"] = waiting_words(execution.waiting)
    if execution.reason:
        found["Reason"] = execution.reason
    found |= dict(_limits(execution))
    if execution.server_name is not None:
        found["Server"] = execution.server_name or "the default one"
    if execution.parameters:
        given = (f"{name}={value}" for name, value in sorted(execution.parameters.items()))
        found["Parameters"] = "  ".join(given)
    return found


def end_words(execution: Execution) -> str:
    """When it will be ended, and because of what."""
    why = "because it idles" if execution.ends_because == "idle" else "by its runtime limit"
    return f"{clock(execution.ends_at)}, {why}"


def _limits(execution: Execution) -> Iterator[tuple[str, Content]]:
    """What bounds it, as far as there is something to say."""
    if execution.priority != "normal":
        yield "Priority", execution.priority
    if execution.runtime_limit is not None:
        most = execution.longest_runtime
        by_quota = "" if most is None else f"; the quota allows {duration(most)}"
        yield "Runtime limit", f"{duration(execution.runtime_limit)}{by_quota}"
    if execution.ends_at is not None:
        yield "Ends", end_words(execution)
    sizes = (
        f"{name}: {size_words(size.memory, size.cores)}"
        for name, size in sorted(execution.resources.items())
    )
    if execution.resources:
        yield "Sizes", "  ".join(sizes)


def exit_code(execution: Execution) -> int:
    """That of the job: 0 when it went well, its monitor's when that is 1 to 125, else 1."""
    codes = [each.exit_code for each in ended_monitors(execution)]
    code = codes[0] if codes else None
    if execution.status == "terminated" and code == 0:
        return OK
    return code if code is not None and 0 < code <= _LARGEST_EXIT_CODE else FAILED


def ended_monitors(execution: Execution) -> list[Instance]:
    """The instances whose end is that of the execution, the first to end first."""
    ended = [each for each in execution.instances if each.monitor and each.exit_code is not None]
    return sorted(ended, key=lambda each: (each.ended_at is None, each.ended_at, each.name))
