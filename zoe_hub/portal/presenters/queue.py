"""The queue as a list: places, whose, when they will probably start, and how good that guess is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoe_core.protocol.rest_platform import PredictionError, Queue, QueueEntry
from zoe_core.waiting import roughly
from zoe_hub.portal.presenters.expected import When, when

SHOWN = 50
"""Entries that are shown from the beginning of the queue, besides one's own."""

PRIORITIES = ("low", "normal", "high")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: ``operates`` others' executions, or only her own; may give high priority."""

    name: str
    operates: bool = False
    may_prioritize: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A priority that may be chosen, or is chosen."""

    name: str
    chosen: bool
    allowed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One that waits. ``name`` and ``url`` are empty when the reader may not know it.

    ``skipped`` counts those before it that are not shown. ``reasons`` are why it waits. Without
    ``choices`` the reader may neither move nor stop it.
    """

    id: int
    place: str
    name: str
    url: str
    whose: str
    mine: bool
    expected: When | None
    reasons: tuple[str, ...]
    skipped: int
    choices: tuple[Choice, ...] = ()
    priority: str = ""


def rows(queue: Queue, reader: Reader, prefix: str) -> list[Row]:
    """The first of the queue and all of the reader's own; ``prefix`` is the portal's address."""
    found: list[Row] = []
    last = 0
    for number, entry in enumerate(queue.items, 1):
        if number <= SHOWN or entry.user == reader.name:
            found.append(_row(entry, reader, prefix, number - last - 1))
            last = number
    return found


def not_shown_after(queue: Queue, shown: Sequence[Row]) -> int:
    """How many come after the last one that is shown."""
    return len(queue.items) - len(shown) - sum(row.skipped for row in shown)


def _row(entry: QueueEntry, reader: Reader, prefix: str, skipped: int) -> Row:
    mine = entry.user == reader.name
    known = entry.name is not None
    priority = entry.priority or "normal"
    return Row(
        id=entry.execution_id,
        place="" if entry.position is None else str(entry.position),
        name=entry.name or "",
        url=f"{prefix}executions/{entry.execution_id}" if known else "",
        whose="yours" if mine else f"of {entry.user}" if known else "of somebody else",
        mine=mine,
        expected=None if entry.expected is None else when(entry.expected),
        reasons=entry.reasons,
        skipped=skipped,
        choices=_choices(priority, reader) if known and (mine or reader.operates) else (),
        priority=f"{priority} priority" if known and priority != "normal" else "",
    )


def _choices(priority: str, reader: Reader) -> tuple[Choice, ...]:
    """High priority goes before everybody else's: it needs a permission, unless it has it."""
    return tuple(
        Choice(each, each == priority, each != "high" or reader.may_prioritize)
        for each in PRIORITIES
    )


def accuracy(predictions: PredictionError | None) -> str:
    """How good the predictions of the past were, in a sentence; empty while there are none."""
    if predictions is None or not predictions.count:
        return ""
    error = roughly(predictions.median_s)
    if predictions.count == 1:
        return f"The one prediction so far was within {error}."
    share = round(100 * predictions.within)
    return (
        f"Half of the last {predictions.count} predictions were within {error}; "
        f"{share} % of the starts were in the range that was told."
    )
