"""The queue as a visitor may see it: the same for REST and for the page."""

from __future__ import annotations

from datetime import UTC, datetime

from zoe_core import protocol
from zoe_core.protocol.rest_platform import PredictionError, Queue, QueueEntry
from zoe_hub.expected import of_waiting
from zoe_hub.link import MasterAway
from zoe_hub.portal.auth import PortalHandler, Visitor
from zoe_hub.portal.context import PortalContext
from zoe_hub.views import WAITING
from zoe_store import executions
from zoe_store.executions import ExecutionRecord

_STORED = 1000
"""Waiting executions that are listed while the scheduler is away."""


async def queue_for(handler: PortalHandler, user: str | None = None) -> Queue:
    """What waits, or what of it is a user's.

    User, name, priority and reasons are there where the visitor may see the execution.
    """
    context, visitor = handler.context, handler.visitor
    scheduler = await context.views.scheduler()
    predictions = None
    try:
        reply = await context.link.queue()
    except MasterAway as error:
        items = await _stored(handler, error)
    else:
        now = datetime.now(UTC)
        items = tuple(_entry(each, visitor, now) for each in reply.entries)
        predictions = _predictions(reply.error)
    if user is not None:
        items = tuple(each for each in items if each.user == user)
    return Queue(
        items=await _with_priorities(context, items), scheduler=scheduler, predictions=predictions
    )


async def _with_priorities(
    context: PortalContext, items: tuple[QueueEntry, ...]
) -> tuple[QueueEntry, ...]:
    seen = [each.execution_id for each in items if each.user is not None]
    if not seen:
        return items
    known = await context.run(executions.priorities_of, context.database, seen)
    return tuple(
        each.model_copy(update={"priority": known.get(each.execution_id)})
        if each.user is not None
        else each
        for each in items
    )


async def _stored(handler: PortalHandler, error: MasterAway) -> tuple[QueueEntry, ...]:
    """What waits as the database knows it, the oldest first; of very many the newest."""
    context = handler.context
    records = await context.run(
        executions.find, context.database, statuses=sorted(WAITING), limit=_STORED
    )
    reason = await context.views.away_reason(error)
    return tuple(_stored_entry(each, reason, handler.visitor) for each in reversed(records))


def _stored_entry(record: ExecutionRecord, reason: str, visitor: Visitor) -> QueueEntry:
    visible = visitor.may_see(record.user)
    return QueueEntry(
        execution_id=record.id,
        position=None,
        reasons=(reason,) if visible else (),
        user=record.user if visible else None,
        name=record.name if visible else None,
    )


def _entry(entry: protocol.QueueEntry, visitor: Visitor, now: datetime) -> QueueEntry:
    visible = visitor.may_see(entry.user)
    return QueueEntry(
        execution_id=entry.execution_id,
        position=entry.explanation.position,
        expected=of_waiting(entry.expected, now),
        reasons=entry.explanation.reasons if visible else (),
        user=entry.user if visible else None,
        name=entry.name if visible else None,
    )


def _predictions(error: protocol.PredictionError | None) -> PredictionError | None:
    if error is None:
        return None
    return PredictionError(count=error.count, median_s=error.median, within=error.within)
