"""The cluster over REST: nodes, the queue, and where the instances of a service are."""

from __future__ import annotations

from zoe_core import protocol
from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_core.protocol import rest
from zoe_core.protocol.rest import Cluster, Discovery, Queue, QueueEntry, Resources
from zoe_hub.link import MasterAway
from zoe_hub.portal.api.addresses import ServicePath
from zoe_hub.portal.auth import ApiHandler, Scope, Visitor
from zoe_hub.portal.operations import operation
from zoe_hub.refusal import Refused
from zoe_hub.views import WAITING, described
from zoe_store import cluster, executions
from zoe_store.executions import ExecutionRecord

_STORED = 1000
"""Waiting executions that are listed while the scheduler is away."""


class Nodes(ApiHandler):
    """``/cluster``."""

    @operation(
        "showCluster",
        "Show the nodes",
        tag="cluster",
        response=Cluster,
        scopes=(Scope.STATUS,),
        answers={200: "The nodes, by name."},
    )
    async def get(self) -> Cluster:
        """Show the nodes as they were last seen, and what is reserved on them."""
        nodes = await self.context.run(cluster.known_nodes, self.context.database)
        reserved = await self.context.run(cluster.reserved_by_node, self.context.database)
        return Cluster(
            items=tuple(_document(node, reserved.get(node.name, Amount())) for node in nodes),
            scheduler=await self.context.views.scheduler(),
        )


class WaitingQueue(ApiHandler):
    """``/queue``."""

    @operation(
        "showQueue",
        "Show the queue",
        tag="cluster",
        response=Queue,
        scopes=(Scope.STATUS,),
        answers={200: "What waits, in the order in which it is decided on."},
    )
    async def get(self) -> Queue:
        """Show what waits. User, name and reasons are shown where you may see the execution."""
        scheduler = await self.context.views.scheduler()
        try:
            entries = await self.context.link.queue()
        except MasterAway as error:
            return Queue(items=await self._stored(error), scheduler=scheduler)
        items = tuple(_queue_document(each, self.visitor) for each in entries)
        return Queue(items=items, scheduler=scheduler)

    async def _stored(self, error: MasterAway) -> tuple[QueueEntry, ...]:
        """What waits as the database knows it, the oldest first; of very many the newest."""
        records = await self.context.run(
            executions.find, self.context.database, statuses=sorted(WAITING), limit=_STORED
        )
        reason = await self.context.views.away_reason(error)
        return tuple(_stored_document(each, reason, self.visitor) for each in reversed(records))


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


def _document(node: Node, reserved: Amount) -> rest.Node:
    return rest.Node(
        name=node.name,
        online=node.online,
        draining=node.draining,
        labels=tuple(sorted(node.labels)),
        capacity=Resources.of(node.capacity),
        reserved=Resources.of(reserved),
    )


def _stored_document(record: ExecutionRecord, reason: str, visitor: Visitor) -> QueueEntry:
    visible = visitor.may_see(record.user)
    return QueueEntry(
        execution_id=record.id,
        position=None,
        reasons=(reason,) if visible else (),
        user=record.user if visible else None,
        name=record.name if visible else None,
    )


def _queue_document(entry: protocol.QueueEntry, visitor: Visitor) -> QueueEntry:
    visible = visitor.may_see(entry.user)
    return QueueEntry(
        execution_id=entry.execution_id,
        position=entry.explanation.position,
        reasons=entry.explanation.reasons if visible else (),
        user=entry.user if visible else None,
        name=entry.name if visible else None,
    )
