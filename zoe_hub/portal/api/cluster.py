"""The cluster over REST: the queue, and where the instances of a service are."""

from __future__ import annotations

from pydantic import Field

from zoe_core.protocol.rest import Discovery, Request
from zoe_core.protocol.rest_platform import Queue
from zoe_hub.portal.api.addresses import ServicePath
from zoe_hub.portal.auth import ApiHandler, Scope
from zoe_hub.portal.operations import operation
from zoe_hub.portal.queue import queue_for
from zoe_hub.refusal import Refused
from zoe_hub.views import described
from zoe_store import executions


class QueueQuery(Request):
    """Whose."""

    user: str | None = Field(
        default=None, max_length=255, description="Only this user's, as far as you may see them."
    )


class WaitingQueue(ApiHandler):
    """``/queue``."""

    @operation(
        "showQueue",
        "Show the queue",
        tag="cluster",
        query=QueueQuery,
        response=Queue,
        scopes=(Scope.STATUS,),
        answers={200: "What waits, in the order in which it is decided on."},
    )
    async def get(self, query: QueueQuery) -> Queue:
        """Show what waits, when it will probably start, and how good such predictions were.

        User, name, priority and reasons are shown where you may see the execution.
        """
        return await queue_for(self, query.user)


class ServiceDiscovery(ApiHandler):
    """``/discovery/{execution_id}/{service}``."""

    @operation(
        "discover",
        "Find the instances of a service",
        tag="cluster",
        path=ServicePath,
        response=Discovery,
        answers={200: "The DNS names or addresses of its running instances, by index."},
    )
    async def get(self, path: ServicePath) -> Discovery:
        """Find the running instances of a service, for scripts inside the same execution."""
        record = await self.find_execution(path.execution_id)
        zapp = described(record)
        known = {each.name: each.dns_label for each in zapp.services} if zapp else {}
        label = known.get(path.service)
        if label is None:
            raise Refused(
                404,
                "Not found",
                f"Execution {record.id} has no service {path.service!r}: "
                f"there are {', '.join(known) or 'none'}.",
                field="service",
            )
        found = await self.context.run(executions.instances_of, self.context.database, [record.id])
        return Discovery(
            execution_id=record.id,
            service=path.service,
            dns_names=tuple(
                str(each.addresses[0][1]) if each.addresses else each.name
                for each in found[record.id]
                if each.service == label and each.observed == "running"
            ),
        )
