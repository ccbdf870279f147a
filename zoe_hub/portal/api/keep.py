"""Keeping a Jupyter server over REST that would be ended because it idles."""

from __future__ import annotations

from zoe_core.protocol.rest import Execution
from zoe_hub.portal.api.addresses import ExecutionPath
from zoe_hub.portal.auth import CHANGING, ApiHandler, PortalHandler
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.operations import operation
from zoe_hub.refusal import Refused
from zoe_store.executions import ExecutionRecord


class KeepExecution(ApiHandler):
    """``/executions/{execution_id}/keep``."""

    @operation(
        "keepExecution",
        "Keep a Jupyter server that idles",
        tag="executions",
        path=ExecutionPath,
        response=Execution,
        answers={200: "It counts as used now, and will not be ended for its idleness for a while."},
        errors=(409,),
    )
    @deed("keepExecution")
    async def post(self, path: ExecutionPath) -> Execution:
        """Have a Jupyter server that runs count as used now, as if somebody had worked with it.
        `ends_at` and `ends_because` of an execution say whether it would be ended otherwise. Its
        runtime limit stays as it is.
        """
        record = await self.find_execution(path.execution_id)
        await keep(self, record)
        return await self.context.views.execution(record)


async def keep(handler: PortalHandler, record: ExecutionRecord) -> None:
    """Record that the visitor wants to keep a server; raises Refused."""
    handler.note(f"executions/{record.id}")
    handler.visitor.require(*CHANGING)
    if record.server_name is None:
        message = "is no Jupyter server: only those are ended because they idle."
        raise Refused(409, "It needs no keeping", f"Execution {record.id} {message}")
    if not await handler.context.culler.keep(record.id, handler.visitor.name):
        message = "has not come to run yet, or has ended or is about to: it cannot be kept."
        raise Refused(409, "It does not run", f"Execution {record.id} {message}")
