"""Changing an execution for the visitor of a request; for REST and pages."""

from __future__ import annotations

from datetime import UTC, datetime

from zoe_core.cluster import ExecutionStatus
from zoe_core.documents import Problem
from zoe_core.zapp import Changes
from zoe_hub.portal.auth import CHANGING, PortalHandler
from zoe_hub.refusal import Refused
from zoe_store import executions
from zoe_store.executions import ChangedMeanwhile, ExecutionRecord

_WAITING = frozenset({ExecutionStatus.SUBMITTED, ExecutionStatus.QUEUED})


async def change(handler: PortalHandler, record: ExecutionRecord, changes: Changes) -> None:
    """Check and store that the visitor wants an execution to be other than it is.

    Raises Refused; the master carries it out in a moment.
    """
    handler.visitor.require(*CHANGING)
    while not await _try_change(handler, record, changes):
        pass  # each time somebody else has wished something
    await handler.context.link.wake()


async def _try_change(handler: PortalHandler, record: ExecutionRecord, changes: Changes) -> bool:
    """Check it together with all that is wished already; False when that was not all."""
    context, visitor = handler.context, handler.visitor
    wished = await context.run(executions.get_as_wished, context.database, record.id)
    if wished is None:
        raise _ended(record)
    now = datetime.now(UTC)
    _check_state(wished, changes, now)
    await context.submission.check_change(visitor.requester(), wished, changes)
    document = changes.document()
    try:
        stored = await context.run(
            executions.request_change, context.database, wished, visitor.name, document, now
        )
    except ChangedMeanwhile:
        return False
    if not stored:
        raise _ended(wished)
    return True


def _check_state(record: ExecutionRecord, changes: Changes, now: datetime) -> None:
    if record.final or record.status is ExecutionStatus.CLEANING_UP:
        raise _ended(record)
    if changes.resources and record.status not in _WAITING:
        raise Refused(
            409,
            "It has started",
            f"resources: execution {record.id} is {record.status}: memory and cores can be changed "
            "only while it waits. Stop it, and launch it again with others.",
            field="resources",
        )
    limit, started = changes.runtime_limit, record.started_at
    passed = 0.0 if started is None else (now - started).total_seconds()
    if limit is not None and limit <= passed:
        message = (
            f"is {limit} seconds: execution {record.id} has run for {passed:.0f} seconds already; "
            "to end it now, stop it"
        )
        raise Refused.because("It would end at once", [Problem("runtime_limit", message)])


def _ended(record: ExecutionRecord) -> Refused:
    message = f"Execution {record.id} is {record.status}: what has ended cannot be changed."
    return Refused(409, "It has ended", message)
