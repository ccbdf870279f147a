"""The pages for whoever administers: what they share, and the one of the nodes."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote

from zoe_core.protocol.rest import Request
from zoe_core.protocol.rest_admin import NodeChange
from zoe_hub.portal.api.nodes import change_node
from zoe_hub.portal.auth import Scope, Visitor
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.presenters import admin_nodes as presented
from zoe_hub.portal.presenters.admin import Tab, tabs
from zoe_hub.portal.requests import read_form
from zoe_store import cluster, drains

_GATHER = 1000  # milliseconds


class AdminPage(PageHandler):
    """A page below "Administration"; ``tab`` is which."""

    tab = ""
    needs: tuple[Scope, ...] = (Scope.ADMIN,)

    async def prepare(self) -> None:
        """Identify the visitor; without one of the scopes that it needs nothing is shown."""
        await super().prepare()
        if self.known:
            self.visitor.require(*self.needs)

    async def render_admin(self, template: str, title: str, **names: object) -> None:
        """Send the page, with the tabs that this visitor may open."""
        named = {"title": title, "here": "administration", "tab": self.tab} | names
        named.setdefault("config", self.script_config())
        await self.render_page(template, tabs=tabs_of(self), **named)


class AdminHome(AdminPage):
    """``/admin``."""

    needs = (Scope.ADMIN, Scope.OPERATE_OTHERS)

    async def get(self) -> None:
        """Lead on to the first page."""
        first = "nodes" if self.visitor.may(Scope.ADMIN) else "executions"
        self.redirect(f"{self.context.prefix}admin/{first}")


class NodesPage(AdminPage):
    """``/admin/nodes``."""

    tab = "nodes"

    async def get(self) -> None:
        """Show the nodes, and what runs there that nothing explains."""
        run, database = self.context.run, self.context.database
        nodes = await self.context.cluster.read()
        strangers = await run(cluster.known_strangers, database)
        wished = await run(drains.drained, database)
        cards = presented.cards(nodes, wished, strangers, datetime.now(UTC))
        await self.render_admin(
            "admin_nodes.html",
            "Nodes",
            nodes=cards,
            summary=presented.summary(nodes),
            gone=presented.gone(nodes, wished, datetime.now(UTC)),
            config=self.live_config("cluster/events"),
        )


class _Drain(Request):
    """What the button asks for."""

    draining: bool


class DrainNode(AdminPage):
    """``/admin/nodes/{name}/drain``."""

    @deed("changeNode")
    async def post(self, name: str) -> None:
        """Drain a node, or use it again, and show the nodes."""
        node = unquote(name)
        self.note(f"nodes/{node}")
        await change_node(self, node, NodeChange(draining=read_form(_Drain, self).draining))
        self.redirect(f"{self.context.prefix}admin/nodes", status=303)


class ForgetDrain(AdminPage):
    """``/admin/drains/{name}/remove``."""

    @deed("removeDrain")
    async def post(self, name: str) -> None:
        """Take back the drain of a node that is gone, and show the nodes."""
        node = unquote(name)
        self.note(f"drains/{node}")
        await self.context.run(
            drains.set_drain, self.context.database, node, self.visitor.name, False
        )
        await self.context.link.wake()
        self.redirect(f"{self.context.prefix}admin/nodes", status=303)


def live_of_all(handler: PageHandler) -> dict[str, object]:
    """What the scripts need of a page that follows the executions of all users.

    On a busy site something always happens: the page is not fetched again at once each time.
    """
    return {**handler.live_config("events?user=*"), "gather": _GATHER}


def tabs_of(handler: PageHandler) -> list[Tab]:
    """The pages of the administration that the visitor may open; none for most."""
    visitor: Visitor = handler.visitor
    model = handler.current_user or {}
    return tabs(
        handler.context.prefix,
        handler.context.base_url,
        administers=visitor.may(Scope.ADMIN),
        operates=visitor.operates_others,
        sees_queue=visitor.may(Scope.STATUS),
        hub_admin=bool(model.get("admin")),
    )
