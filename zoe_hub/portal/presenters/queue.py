"""The queue as a list: places, whose, when they will probably start, and how good that guess is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoe_core.protocol.rest import PredictionError, Queue, QueueEntry
from zoe_core.waiting import roughly
from zoe_hub.portal.presenters.expected import When, when

SHOWN = 50
"""Entries that are shown from the beginning of the queue, besides one's own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One that waits. ``name`` and ``url`` are empty when the reader may not know it.

    ``skipped`` counts those before it that are not shown.
    """

    id: int
    place: str
    name: str
    url: str
    whose: str
    mine: bool
    expected: When | None
    reason: str
    skipped: int


def rows(queue: Queue, reader: str, prefix: str) -> list[Row]:
    """The first of the queue and all of the reader's own; ``prefix`` is the portal's address."""
    found: list[Row] = []
    last = 0
    for number, entry in enumerate(queue.items, 1):
        if number <= SHOWN or entry.user == reader:
            found.append(_row(entry, reader, prefix, number - last - 1))
            last = number
    return found


def not_shown_after(queue: Queue, shown: Sequence[Row]) -> int:
    """How many come after the last one that is shown."""
    return len(queue.items) - len(shown) - sum(row.skipped for row in shown)


def _row(entry: QueueEntry, reader: str, prefix: str, skipped: int) -> Row:
    mine = entry.user == reader
    known = entry.name is not None
    return Row(
        id=entry.execution_id,
        place="" if entry.position is None else str(entry.position),
        name=entry.name or "",
        url=f"{prefix}executions/{entry.execution_id}" if known else "",
        whose="yours" if mine else f"of {entry.user}" if known else "of somebody else",
        mine=mine,
        expected=None if entry.expected is None else when(entry.expected),
        reason=entry.reasons[0] if entry.reasons else "",
        skipped=skipped,
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
