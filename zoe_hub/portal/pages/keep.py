"""The button that keeps a Jupyter server which would be ended because it idles."""

from __future__ import annotations

from zoe_hub.portal.api.keep import keep
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.pages.rendering import PageHandler


class KeepServer(PageHandler):
    """``/executions/{id}/keep``."""

    @deed("keepExecution")
    async def post(self, execution_id: str) -> None:
        """Keep it, and go back to its page."""
        record = await self.find_execution(int(execution_id))
        await keep(self, record)
        self.redirect(f"{self.context.prefix}executions/{record.id}", status=303)
