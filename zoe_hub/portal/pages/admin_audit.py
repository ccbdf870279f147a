"""The audit log as a page: who did what, or was refused to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlencode

from zoe_hub.portal.api import HANDLERS
from zoe_hub.portal.api.audit import AuditQuery, audit_for
from zoe_hub.portal.operations import operations_of
from zoe_hub.portal.pages.admin import AdminPage
from zoe_hub.portal.presenters import admin_audit as presented
from zoe_hub.portal.requests import check
from zoe_hub.refusal import Refused
from zoe_hub.server_deeds import START

PAGE = 50
_SAME = ("actor", "action", "target", "outcome", "cursor")


class AuditPage(AdminPage):
    """``/admin/audit``."""

    tab = "audit"

    async def get(self) -> None:
        """Show a page of the log, the newest first, or of what the filters leave of it."""
        given = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        problem = ""
        try:
            asked = conditions(given)
            query = check(AuditQuery, asked | {"limit": PAGE}, 400)
        except Refused as refused:
            problem, asked, query = refused.detail, {}, AuditQuery(limit=PAGE)
        found = await audit_for(self, query)
        kept = {name: value for name, value in asked.items() if name != "cursor"}
        filters = {name: value for name, value in given.items() if value and name != "cursor"}
        here = f"{self.context.prefix}admin/audit?"
        older = here + urlencode(filters | {"cursor": found.next}) if found.next else None
        api = f"{self.context.prefix}api/v1/audit"
        await self.render_admin(
            "admin_audit.html",
            "Audit log",
            rows=presented.rows(found.items, summaries(), self.context.prefix, datetime.now(UTC)),
            given=given,
            problem=problem,
            actions=sorted(summaries().items(), key=lambda pair: pair[1]),
            outcomes=presented.OUTCOMES,
            newest="cursor" not in asked,
            filtered=bool(kept),
            newest_url=here + urlencode(filters),
            older_url=older,
            csv_file=f"{api}.csv?{urlencode(kept)}",
            json_file=f"{api}?{urlencode(kept | {'limit': '200'})}",
        )


def conditions(given: dict[str, str]) -> dict[str, str]:
    """What REST is asked for; raises Refused for days that are none. Empty fields ask nothing."""
    asked = {name: given[name].strip() for name in _SAME if given.get(name, "").strip()}
    if first := given.get("from", ""):
        asked["since"] = _midnight(first)
    if last := given.get("to", ""):
        asked["until"] = _midnight(last, days=1)
    return asked


def _midnight(day: str, days: int = 0) -> str:
    try:
        found = date.fromisoformat(day) + timedelta(days=days)
    except (ValueError, OverflowError):
        raise Refused(
            400, "Not a day", f"“{day[:40]}” is no day: 2026-01-31 would be one."
        ) from None
    return f"{found.isoformat()}T00:00:00Z"


@lru_cache(maxsize=1)
def summaries() -> dict[str, str]:
    """What each action means that the log tells of."""
    of_rest = {
        declared.id: declared.summary
        for handler in HANDLERS.values()
        for method, declared in operations_of(handler).items()
        if hasattr(getattr(handler, method), "action")
    }
    return {**of_rest, START: "Start a Jupyter server at the Hub"}
