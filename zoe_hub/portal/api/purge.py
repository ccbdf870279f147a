"""Purging over REST: an execution that has ended, with all that is known of it but its usage."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from zoe_core.protocol.rest import Request
from zoe_hub.portal.auth import ApiHandler, Scope
from zoe_hub.refusal import Refused
from zoe_store.executions import ExecutionRecord
from zoe_store.purge import request_purge


class EndQuery(Request):
    """What is to become of an execution."""

    purge: bool = Field(
        default=False,
        description="Remove it, with its events, instances and logs; only what has ended.",
    )


async def remove(handler: ApiHandler, record: ExecutionRecord) -> None:
    """Note the visitor's wish to purge an execution; raises Refused."""
    handler.visitor.require(Scope.DELETE, Scope.ADMIN)
    noted = await handler.context.run(
        request_purge, handler.context.database, record.id, handler.visitor.name, datetime.now(UTC)
    )
    if not noted:
        raise Refused(
            409,
            "It has not ended",
            f"Execution {record.id} is {record.status}: stop it first; it can be purged once it "
            "has ended.",
        )
