"""Nodes over REST: what there is and what of it is held and used, live too, and draining one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

from pydantic import Field

from zoe_core.names import shorten
from zoe_core.protocol import rest_platform
from zoe_core.protocol.rest import Request
from zoe_core.protocol.rest_admin import NodeChange
from zoe_core.protocol.rest_platform import Cluster
from zoe_hub.portal.auth import ApiHandler, PortalHandler, Scope, Visitor
from zoe_hub.portal.context import PortalContext
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.operations import EVENT_STREAM, operation
from zoe_hub.portal.sse import StreamHandler, frame
from zoe_hub.refusal import Refused
from zoe_store import drains


class NodePath(Request):
    """One node."""

    name: str = Field(max_length=255)


_MAY_SEE = (Scope.STATUS, Scope.ADMIN)
"""One of them is needed: the page of the nodes, which needs the second, follows them."""


class Nodes(ApiHandler):
    """``/cluster``."""

    @operation(
        "showCluster",
        "Show the nodes",
        tag="cluster",
        response=Cluster,
        scopes=_MAY_SEE,
        answers={200: "The nodes, by name."},
    )
    async def get(self) -> Cluster:
        """Show the nodes as they were last seen, and what is reserved and used on them."""
        scheduler = await self.context.views.scheduler()
        return Cluster(items=await self.context.cluster.read(), scheduler=scheduler)


class FollowNodes(StreamHandler):
    """``/cluster/events``."""

    @operation(
        "followCluster",
        "Follow the nodes",
        tag="events",
        media=EVENT_STREAM,
        scopes=_MAY_SEE,
        answers={
            200: "Server-sent events, for ever: `event: cluster` with the Cluster as JSON `data:`, "
            "at the beginning and after each change. They have no ids: whoever comes back gets all."
        },
    )
    async def get(self) -> None:
        """Follow the nodes, and what is reserved and used on them."""
        await self.stream_events(self._told())

    def may_go_on(self, visitor: Visitor) -> bool:
        """As long as she may see the cluster."""
        return super().may_go_on(visitor) and any(map(visitor.may, _MAY_SEE))

    async def _told(self) -> AsyncGenerator[str, None]:
        async with contextlib.aclosing(self.context.cluster.follow()) as changes:
            async for nodes in changes:
                scheduler = await self.context.views.scheduler()
                yield frame("cluster", Cluster(items=nodes, scheduler=scheduler))


class OneNode(ApiHandler):
    """``/nodes/{name}``."""

    @operation(
        "changeNode",
        "Drain a node, or use it again",
        tag="administration",
        path=NodePath,
        body=NodeChange,
        response=rest_platform.Node,
        scopes=(Scope.ADMIN,),
        answers={200: "The node as it is from now on."},
    )
    @deed("changeNode")
    async def patch(self, path: NodePath, body: NodeChange) -> rest_platform.Node:
        """Let nothing new start on a node, or let it again. What runs there goes on.

        A node that the back-end itself drains stays so. Of one that is gone: `DELETE
        /drains/{name}`.
        """
        return await change_node(self, path.name, body)


async def change_node(handler: PortalHandler, name: str, wanted: NodeChange) -> rest_platform.Node:
    """Store the wish of the visitor, and wake the master; raises Refused for an unknown node."""
    handler.note(**wanted.model_dump())
    context = handler.context
    await _find(context, name)
    await context.run(
        drains.set_drain, context.database, name, handler.visitor.name, wanted.draining
    )
    await context.link.wake()
    return await _find(context, name)


async def _find(context: PortalContext, name: str) -> rest_platform.Node:
    nodes = {node.name: node for node in await context.cluster.read()}
    if name in nodes:
        return nodes[name]
    raise Refused(
        404,
        "Not found",
        f"There is no node {shorten(name)!r}: the known ones are {', '.join(nodes) or 'none'}. "
        "Drained ones that are gone: /drains.",
        field="name",
    )
