"""The audit log over REST: who did what, or was refused to."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from zoe_core.protocol.rest import MAX_PAGE, Request
from zoe_core.protocol.rest_admin import AuditEntry, AuditLog, AuditOutcome
from zoe_hub.portal.api.addresses import When, check_cursor
from zoe_hub.portal.api.cursor import read_cursor, write_cursor
from zoe_hub.portal.auth import ApiHandler, PortalHandler, Scope
from zoe_hub.portal.operations import operation
from zoe_store import audit
from zoe_store.audit import AuditRecord


class AuditConditions(Request):
    """Which deeds; all conditions must hold."""

    actor: str | None = Field(default=None, max_length=255, description="Who, by name.")
    action: str | None = Field(
        default=None, max_length=100, description="What: the id of an operation, or startServer."
    )
    target: str | None = Field(
        default=None, max_length=300, description="About what, such as executions/42."
    )
    outcome: AuditOutcome | None = None
    since: When | None = Field(
        default=None, description="At this moment or later, 2026-01-31T00:00:00Z."
    )
    until: When | None = Field(default=None, description="Before this moment.")


class AuditQuery(AuditConditions):
    """One page of them."""

    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    cursor: Annotated[str | None, AfterValidator(check_cursor)] = Field(
        default=None, description="next of the page before."
    )


class ShowAudit(ApiHandler):
    """``/audit``."""

    @operation(
        "showAudit",
        "Show who did what",
        tag="administration",
        query=AuditQuery,
        response=AuditLog,
        scopes=(Scope.ADMIN,),
        answers={200: "One page, newest first."},
    )
    async def get(self, query: AuditQuery) -> AuditLog:
        """Show what people did through Zoe, and what they were refused, newest first.

        Launches, changes and ends of executions, quotas and drained nodes are in it; nothing that
        only looks. `startServer` is a Jupyter server that the Hub was asked to start. What else
        JupyterHub does by itself, such as logins, is in its own log.
        """
        return await audit_for(self, query)


async def audit_for(handler: PortalHandler, query: AuditQuery) -> AuditLog:
    """One page of what matches."""
    found = await handler.context.run(
        audit.find,
        handler.context.database,
        before=read_cursor(query.cursor) if query.cursor else None,
        limit=query.limit + 1,
        **conditions(query),
    )
    page = found[: query.limit]
    more = len(found) > query.limit
    return AuditLog(items=tuple(map(entry, page)), next=write_cursor(page[-1].id) if more else None)


def conditions(query: AuditConditions) -> dict[str, Any]:
    """What the store is asked for, pages aside."""
    return {name: getattr(query, name) for name in AuditConditions.model_fields}


def entry(record: AuditRecord) -> AuditEntry:
    """The document of one deed."""
    deed = record.deed
    return AuditEntry(
        id=record.id,
        at=deed.at,
        actor=deed.actor,
        actor_kind=deed.actor_kind,
        action=deed.action,
        target=deed.target,
        outcome=deed.outcome,
        detail=deed.detail,
    )
