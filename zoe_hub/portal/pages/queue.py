"""The queue: what waits, when it will probably start, and what may be done about it."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlencode

from zoe_core.protocol.rest import Request
from zoe_core.zapp import Changes
from zoe_hub.portal.api.executions import terminate
from zoe_hub.portal.auth import Scope
from zoe_hub.portal.changing import change
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.pages.admin import live_of_all, tabs_of
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.presenters import queue as presented
from zoe_hub.portal.queue import queue_for
from zoe_hub.portal.requests import read_form


class QueuePage(PageHandler):
    """``/queue``."""

    async def get(self) -> None:
        """Show the beginning of the queue, and all of the visitor's own in it."""
        self.visitor.require(Scope.STATUS)
        operates = self.visitor.operates_others
        user = self.get_query_argument("user", "")[:255] if operates else ""
        queue = await queue_for(self, user or None)
        reader = presented.Reader(
            self.visitor.name, operates=operates, may_prioritize=self.visitor.may(Scope.PRIORITY)
        )
        rows = presented.rows(queue, reader, self.context.prefix)
        live = live_of_all(self) if operates else self.script_config()
        await self.render_page(
            "queue.html",
            title="Queue",
            here="queue",
            tab="queue",
            tabs=tabs_of(self) if operates else [],
            rows=rows,
            waiting=len(queue.items),
            after=presented.not_shown_after(queue, rows),
            accuracy=presented.accuracy(queue.predictions),
            operates=operates,
            whose=user,
            config=live,
        )


class _Back(Request):
    """Which part of the queue the visitor looked at."""

    user: str = ""


class _Priority(_Back):
    """What the button asks for."""

    priority: Literal["low", "normal", "high"]


class _FromQueue(PageHandler):
    """What is done from the page of the queue leads back to it."""

    def go_back(self, user: str) -> None:
        query = f"?{urlencode({'user': user})}" if user else ""
        self.redirect(f"{self.context.prefix}queue{query}", status=303)


class PrioritizeQueued(_FromQueue):
    """``/queue/{id}/priority``."""

    @deed("changeExecution")
    async def post(self, execution_id: str) -> None:
        """Ask for another priority."""
        wanted = read_form(_Priority, self)
        record = await self.find_execution(int(execution_id))
        changes = Changes(priority=wanted.priority)
        self.note(f"executions/{record.id}", **changes.document())
        await change(self, record, changes)
        self.go_back(wanted.user)


class StopQueued(_FromQueue):
    """``/queue/{id}/stop``."""

    @deed("endExecution")
    async def post(self, execution_id: str) -> None:
        """Ask for the end."""
        back = read_form(_Back, self)
        record = await self.find_execution(int(execution_id))
        self.note(f"executions/{record.id}")
        await terminate(self, record.id)
        self.go_back(back.user)
