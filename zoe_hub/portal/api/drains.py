"""Drained nodes over REST, those that are gone included."""

from __future__ import annotations

from zoe_core.names import shorten
from zoe_core.protocol.rest_admin import Drain, Drains
from zoe_hub.portal.api.nodes import NodePath
from zoe_hub.portal.auth import ApiHandler, Scope
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.operations import operation
from zoe_hub.refusal import Refused
from zoe_store import cluster, drains


class ListDrains(ApiHandler):
    """``/drains``."""

    @operation(
        "listDrains",
        "List the drained nodes",
        tag="administration",
        response=Drains,
        scopes=(Scope.ADMIN,),
        answers={200: "What administrators drain, by the name of the node."},
    )
    async def get(self) -> Drains:
        """List the nodes that administrators drain, also those that are gone.

        Nodes that the back-end itself drains are only in `/cluster`.
        """
        wished = await self.context.run(drains.drained, self.context.database)
        nodes = await self.context.run(cluster.known_nodes, self.context.database)
        known = {node.name for node in nodes}
        return Drains(
            items=tuple(
                Drain(node=name, known=name in known, by_user=each.by_user, at=each.at)
                for name, each in wished.items()
            )
        )


class OneDrain(ApiHandler):
    """``/drains/{name}``."""

    @operation(
        "removeDrain",
        "Use a node again",
        tag="administration",
        path=NodePath,
        scopes=(Scope.ADMIN,),
        answers={204: "It is not drained any more."},
    )
    @deed("removeDrain")
    async def delete(self, path: NodePath) -> None:
        """Take back that a node is drained, whether or not there is such a node now."""
        removed = await self.context.run(
            drains.set_drain, self.context.database, path.name, self.visitor.name, False
        )
        if not removed:
            raise Refused(
                404, "Not found", f"Nobody drains the node {shorten(path.name)!r}.", field="name"
            )
        await self.context.link.wake()
        self.set_status(204)
