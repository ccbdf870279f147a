"""The executions of all users, for whoever operates them."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_hub.portal.auth import Scope
from zoe_hub.portal.pages.admin import AdminPage, live_of_all
from zoe_hub.portal.presenters import executions as presented
from zoe_store import executions

PAGE = 50
STATES = {
    "": [],
    "live": [str(each) for each in ExecutionStatus if each not in FINAL],
    "ended": [str(each) for each in FINAL],
    "error": [str(ExecutionStatus.ERROR)],
}
"""What may be chosen, and which states that means."""


class AllExecutions(AdminPage):
    """``/admin/executions``."""

    tab = "executions"
    needs = (Scope.ADMIN, Scope.OPERATE_OTHERS)

    async def get(self) -> None:
        """List them, newest first, also of one user or in one state only."""
        user = self.get_query_argument("user", "")[:255]
        state = self.get_query_argument("state", "")
        records = await self.context.run(
            executions.find,
            self.context.database,
            user=user or None,
            statuses=STATES.get(state, []),
            before=self.older_than(),
            limit=PAGE + 1,
        )
        documents = await self.context.views.executions(records[:PAGE])
        titles = {slug: entry.title for slug, entry in self.context.gallery.items()}
        shown = presented.rows(documents, titles, datetime.now(UTC))
        here = f"{self.context.prefix}admin/executions?"
        kept = {"user": user, "state": state}
        await self.render_admin(
            "admin_executions.html",
            "Executions",
            rows=list(zip(shown, (each.user for each in documents), strict=True)),
            whose=user,
            state=state if state in STATES else "",
            newest=self.older_than() is None,
            newest_url=here + urlencode(kept),
            older_url=here + urlencode(kept | {"before": str(records[PAGE - 1].id)})
            if len(records) > PAGE
            else None,
            config=live_of_all(self),
        )
