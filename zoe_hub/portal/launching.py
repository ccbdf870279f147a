"""Launching for the visitor of a request: the same for REST and for the launch form of a page."""

from __future__ import annotations

from zoe_hub.portal.auth import PortalHandler, Scope
from zoe_hub.refusal import Refused
from zoe_hub.submission import Order
from zoe_store.executions import ExecutionRecord


async def launch(
    handler: PortalHandler, order: Order, idempotency_key: str | None = None
) -> tuple[ExecutionRecord, bool]:
    """Check and store what the visitor wants; returns the execution and whether it is new.

    A ZApp that is a Jupyter server is started by the Hub, with the visitor's own token. Raises
    Refused, HubAway or DatabaseAway; then nothing was stored.
    """
    visitor, context = handler.visitor, handler.context
    visitor.require(Scope.LAUNCH if order.description is None else Scope.LAUNCH_OWN)
    if visitor.kind != "user":
        raise Refused(
            403, "Not allowed", "A service of the Hub has no workspace: launch as a user instead."
        )
    requester = visitor.requester()
    checked = await context.submission.check(requester, order)
    if checked.zapp.hub_server is None:
        return await context.submission.store(requester, checked, idempotency_key=idempotency_key)
    token = handler.hub_auth.get_token(handler)
    return await context.servers.launch(token, visitor.name, checked, idempotency_key)
