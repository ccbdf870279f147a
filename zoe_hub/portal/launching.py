"""Launching for the visitor of a request, and asking when it would start; for REST and pages."""

from __future__ import annotations

from collections.abc import Sequence

from zoe_core import protocol
from zoe_core.protocol.rest import ExecutionRequest, ExpectedStart
from zoe_core.zapp import zapp_document
from zoe_hub.expected import of_launch
from zoe_hub.portal.auth import PortalHandler, Scope, Visitor
from zoe_hub.portal.context import PortalContext
from zoe_hub.portal.servers import launched_with_key
from zoe_hub.refusal import Refused
from zoe_hub.submission import Launch, Order
from zoe_store.executions import ExecutionRecord


async def launch(
    handler: PortalHandler, order: Order, idempotency_key: str | None = None
) -> tuple[ExecutionRecord, bool]:
    """Check and store what the visitor wants; returns the execution and whether it is new.

    A ZApp that is a Jupyter server is started by the Hub, with the visitor's own token. Raises
    Refused when nothing was stored. After HubAway and DatabaseAway it may be stored all the same:
    only with an idempotency key it is safe to try again.
    """
    handler.note(zapp=order.zapp, name=order.name)
    record, new = await _launch(handler, order, idempotency_key)
    handler.note(f"executions/{record.id}", name=record.name, new=new)
    return record, new


async def _launch(
    handler: PortalHandler, order: Order, idempotency_key: str | None
) -> tuple[ExecutionRecord, bool]:
    visitor, context = handler.visitor, handler.context
    require_launch(visitor, order)
    if visitor.kind != "user":
        raise Refused(
            403, "Not allowed", "A service of the Hub has no workspace: launch as a user instead."
        )
    requester = visitor.requester()
    try:
        checked = await context.submission.check(requester, order)
    except Refused:
        # What was accepted stays so, whatever became of the cluster and the gallery since.
        earlier = await _launched_before(context, visitor.name, order, idempotency_key)
        if earlier is None:
            raise
        return earlier, False
    if checked.zapp.hub_server is None:
        return await context.submission.store(requester, checked, idempotency_key=idempotency_key)
    earlier = await _launched_before(context, visitor.name, order, idempotency_key)
    if earlier is not None:
        return earlier, False
    token = handler.hub_auth.get_token(handler)
    return await context.servers.launch(token, visitor.name, checked, idempotency_key)


def order_of(body: ExecutionRequest) -> Order:
    """What the body of a request asks for."""
    return Order(
        zapp=body.zapp,
        description=body.description,
        parameters=body.parameters,
        name=body.name,
        resources=body.resources,
        runtime_limit=body.runtime_limit,
    )


async def estimate(handler: PortalHandler, launches: Sequence[Launch]) -> tuple[ExpectedStart, ...]:
    """When each of them would start, by itself, if the visitor launched it now.

    Raises MasterAway when the scheduler is away or too busy.
    """
    visitor = handler.visitor
    wanted = protocol.Estimate(
        user=visitor.name,
        groups=tuple(sorted(visitor.groups)),
        descriptions=tuple(zapp_document(each.zapp) for each in launches),
    )
    found = await handler.context.link.estimate(wanted)
    return tuple(of_launch(each) for each in found)


def require_launch(visitor: Visitor, order: Order) -> None:
    """Raise Refused unless the visitor may launch such a thing at all."""
    visitor.require(Scope.LAUNCH if order.description is None else Scope.LAUNCH_OWN)


async def _launched_before(
    context: PortalContext, user: str, order: Order, idempotency_key: str | None
) -> ExecutionRecord | None:
    """What an earlier request with this key launched; raises Refused when that was another one."""
    if idempotency_key is None:
        return None
    return await context.run(launched_with_key, context.database, user, order, idempotency_key)
