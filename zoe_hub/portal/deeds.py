"""Which methods change something, and what the audit log says of a request to one of them."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from zoe_core.protocol.rest import ProblemDocument
from zoe_hub.audit_log import bounded, short
from zoe_store.audit import Deed, Outcome

if TYPE_CHECKING:
    from zoe_hub.portal.auth import PortalHandler

Method = Callable[..., Awaitable[Any]]


def deed(action: str) -> Callable[[Method], Method]:
    """Declare that a method of a handler does something that the audit log has to tell.

    ``action`` is the operation's id in REST. In the method ``handler.note`` adds to what is told.
    What an exception refuses is told by ``tell_refused``.
    """

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        async def run(handler: PortalHandler, *args: Any, **kwargs: Any) -> Any:
            answer = await method(handler, *args, **kwargs)
            refused = handler.get_status() >= 400
            await handler.context.audit.write(
                _account(handler, action, "refused" if refused else "done")
            )
            return answer

        run.action = action  # type: ignore[attr-defined]
        return run

    return decorate


def action_of(handler: PortalHandler) -> str | None:
    """What a request wants to do; None when it only looks."""
    method = getattr(handler, (handler.request.method or "").lower(), None)
    return getattr(method, "action", None)


def tell_refused(handler: PortalHandler, problem: ProblemDocument) -> None:
    """Add to the log that a known person was refused a deed, that it failed, or nobody knows."""
    action = action_of(handler)
    if action is None or not handler.known:
        return
    handler.note(status=problem.status, why=problem.detail)
    outcome: Outcome = "failed" if problem.status >= 500 else "refused"
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:  # perhaps after it was done, or half of it
        outcome = "unknown"
    handler.context.audit.add(_account(handler, action, outcome))


def _account(handler: PortalHandler, action: str, outcome: Outcome) -> Deed:
    visitor = handler.visitor
    path = handler.request.path.removeprefix(handler.context.prefix).removeprefix("api/v1/")
    return Deed(
        at=datetime.now(UTC),
        actor=visitor.name,
        actor_kind=visitor.kind,
        action=action,
        target=short(handler.deed_target or path),
        outcome=outcome,
        detail=bounded(handler.deed_detail),
    )
