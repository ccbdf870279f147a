"""Strangers and warnings: what the doctor finds, and what to do about each."""

from __future__ import annotations

from datetime import UTC, datetime

from zoe_hub.portal.api.findings import look
from zoe_hub.portal.pages.admin import AdminPage
from zoe_hub.portal.presenters import admin_warnings as presented


class WarningsPage(AdminPage):
    """``/admin/warnings``."""

    tab = "warnings"

    async def get(self) -> None:
        """Look at the scheduler, all nodes and the images now: that may take some seconds."""
        found = await look(self.context)
        now = datetime.now(UTC)
        await self.render_admin(
            "admin_warnings.html",
            "Warnings",
            rows=presented.rows(found.items, now),
            well=found.well,
        )
