"""The queue: what waits, when it will probably start, and how good such predictions were."""

from __future__ import annotations

from zoe_hub.portal.auth import Scope
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.presenters import queue as presented
from zoe_hub.portal.queue import queue_for


class QueuePage(PageHandler):
    """``/queue``."""

    async def get(self) -> None:
        """Show the beginning of the queue, and all of the visitor's own in it."""
        self.visitor.require(Scope.STATUS)
        queue = await queue_for(self)
        rows = presented.rows(queue, self.visitor.name, self.context.prefix)
        await self.render_page(
            "queue.html",
            title="Queue",
            here="queue",
            rows=rows,
            waiting=len(queue.items),
            after=presented.not_shown_after(queue, rows),
            accuracy=presented.accuracy(queue.predictions),
            config=self.script_config(),
        )
