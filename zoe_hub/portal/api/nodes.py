"""Nodes over REST: what there is and what of it is held, and draining one."""

from __future__ import annotations

from pydantic import Field

from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_core.names import shorten
from zoe_core.protocol import rest
from zoe_core.protocol.rest import Cluster, Request, Resources
from zoe_core.protocol.rest_admin import NodeChange
from zoe_hub.portal.auth import ApiHandler, Scope
from zoe_hub.portal.operations import operation
from zoe_hub.refusal import Refused
from zoe_store import cluster, drains


class NodePath(Request):
    """One node."""

    name: str = Field(max_length=255)


class NodeHandler(ApiHandler):
    """Reads nodes, and what is reserved on them."""

    async def nodes(self) -> list[rest.Node]:
        """The last known nodes, by name."""
        known = await self.context.run(cluster.known_nodes, self.context.database)
        reserved = await self.context.run(cluster.reserved_by_node, self.context.database)
        return [_document(node, reserved.get(node.name, Amount())) for node in known]


class Nodes(NodeHandler):
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
        scheduler = await self.context.views.scheduler()
        return Cluster(items=tuple(await self.nodes()), scheduler=scheduler)


class OneNode(NodeHandler):
    """``/nodes/{name}``."""

    @operation(
        "changeNode",
        "Drain a node, or use it again",
        tag="administration",
        path=NodePath,
        body=NodeChange,
        response=rest.Node,
        scopes=(Scope.ADMIN,),
        answers={200: "The node as it is from now on."},
    )
    async def patch(self, path: NodePath, body: NodeChange) -> rest.Node:
        """Let nothing new start on a node, or let it again. What runs there goes on.

        A node that the back-end itself drains stays so. Of one that is gone: `DELETE
        /drains/{name}`.
        """
        await self._find(path.name)
        await self.context.run(
            drains.set_drain, self.context.database, path.name, self.visitor.name, body.draining
        )
        await self.context.link.wake()
        return await self._find(path.name)

    async def _find(self, name: str) -> rest.Node:
        nodes = {node.name: node for node in await self.nodes()}
        if name in nodes:
            return nodes[name]
        raise Refused(
            404,
            "Not found",
            f"There is no node {shorten(name)!r}: the known ones are {', '.join(nodes) or 'none'}. "
            "Drained ones that are gone: /drains.",
            field="name",
        )


def _document(node: Node, reserved: Amount) -> rest.Node:
    return rest.Node(
        name=node.name,
        online=node.online,
        draining=node.draining,
        pressured=node.pressured,
        labels=tuple(sorted(node.labels)),
        devices=node.devices,
        capacity=Resources.of(node.capacity),
        reserved=Resources.of(reserved),
    )
