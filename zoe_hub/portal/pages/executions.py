"""My executions, the page of one, and its stop button."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.protocol.rest import Execution, Request
from zoe_core.zapp import Changes
from zoe_hub.portal.api.executions import terminate
from zoe_hub.portal.auth import Scope, Visitor
from zoe_hub.portal.changing import change
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.presenters import executions as presented
from zoe_hub.portal.presenters.endings import ending
from zoe_hub.portal.presenters.instances import instance_rows
from zoe_hub.portal.presenters.sizes import chosen
from zoe_hub.portal.presenters.story import Scene, tell
from zoe_hub.portal.presenters.timeline import Move, timeline
from zoe_hub.portal.presenters.times import moment
from zoe_hub.portal.requests import read_form
from zoe_hub.views import WAITING, described
from zoe_store import executions
from zoe_store.events import has_happened, read_events
from zoe_store.executions import ExecutionRecord

PAGE = 25
"""Executions on one page of the list."""


class ExecutionsPage(PageHandler):
    """``/executions``."""

    async def get(self) -> None:
        """List the visitor's executions, newest first; ``before`` is where an older page begins."""
        before = self.older_than()
        records = await self.context.run(
            executions.find,
            self.context.database,
            user=self.visitor.name,
            before=before,
            limit=PAGE + 1,
        )
        documents = await self.context.views.executions(records[:PAGE])
        await self.render_page(
            "executions.html",
            title="My executions",
            here="executions",
            rows=presented.rows(documents, titles(self), datetime.now(UTC)),
            newest=before is None,
            older=records[PAGE - 1].id if len(records) > PAGE else None,
            config=self.live_config(),
        )


class ExecutionPage(PageHandler):
    """``/executions/{id}``."""

    async def get(self, execution_id: str) -> None:
        """Show one execution; scripts fetch this page again whenever something happens to it."""
        record = await self.find_execution(int(execution_id))
        execution = await self.context.views.execution(record)
        await self.render_page(
            "execution.html",
            title=execution.name,
            here="executions",
            execution=execution,
            config=self._config(execution),
            **self._about(execution),
            **await self._present(record, execution),
        )

    def _about(self, execution: Execution) -> dict[str, object]:
        known = titles(self)
        prefix = self.context.prefix
        return {
            "mine": execution.user == self.visitor.name,
            "zapp_title": presented.zapp_title(execution, known),
            "zapp_url": f"{prefix}zapps/{execution.zapp}" if execution.zapp in known else None,
            "again_url": self._again_url(execution, known),
            "priorities": _priorities(self.visitor, execution),
            "crowded": Counter(each.name for each in execution.endpoints),
        }

    async def _present(self, record: ExecutionRecord, execution: Execution) -> dict[str, object]:
        now = datetime.now(UTC)
        zapp = described(record)
        stoppable = execution.status in presented.STOPPABLE
        stopping = stoppable and await self._stop_requested(record)
        away = (await self.context.views.scheduler()).status == "away"
        moves = await self._moves(record)
        return {
            "final": execution.status in FINAL,
            "waits": execution.status in WAITING and not stopping,
            "steps": timeline(execution, moves, now),
            "ending": None if stopping else ending(execution, now),
            "chosen": chosen(execution),
            "may_stop": stoppable and not stopping,
            "badge": presented.badge(execution.status),
            "submitted": moment(execution.submitted_at, now),
            "lasted": presented.lasted(execution, now),
            "since": presented.since(execution),
            "story": tell(Scene(execution, zapp, now, stopping, away)),
            "instances": instance_rows(execution.instances),
        }

    def _again_url(self, execution: Execution, known: Mapping[str, str]) -> str | None:
        if execution.zapp in known:
            return f"{self.context.prefix}zapps/{execution.zapp}?again={execution.id}"
        if execution.zapp is None and self.visitor.may(Scope.LAUNCH_OWN):
            return f"{self.context.prefix}launch?again={execution.id}"
        return None

    async def _moves(self, record: ExecutionRecord) -> list[Move]:
        found = await self.context.run(
            read_events, self.context.database, after=0, execution_id=record.id, kind="status"
        )
        return [Move(ExecutionStatus(each.data["to"]), each.at) for each in found]

    async def _stop_requested(self, record: ExecutionRecord) -> bool:
        if record.terminate is not None:
            return True
        return await self.context.run(
            has_happened, self.context.database, record.id, "terminate_requested"
        )

    def _config(self, execution: Execution) -> dict[str, object]:
        address = f"{self.context.prefix}api/v1/executions/{execution.id}"
        return {
            **self.live_config(f"executions/{execution.id}/events?use=true"),
            "execution": execution.id,
            "instances": f"{address}/instances",
            "use": f"{address}/use",
        }


class _Wish(Request):
    """What the forms of the page ask for."""

    priority: Literal["low", "normal", "high"] | None = None
    runtime_limit: int | None = Field(default=None, ge=1, le=2**31 - 1)


class StopExecution(PageHandler):
    """``/executions/{id}/stop``."""

    @deed("endExecution")
    async def post(self, execution_id: str) -> None:
        """Ask for the end, and go back to where the button was."""
        record = await self.find_execution(int(execution_id))
        self.note(f"executions/{record.id}")
        await terminate(self, record.id)
        page = f"{self.context.prefix}executions"
        from_list = self.get_body_argument("back", "") == "list"
        self.redirect(page if from_list else f"{page}/{record.id}", status=303)


class ChangeExecution(PageHandler):
    """``/executions/{id}/change``."""

    @deed("changeExecution")
    async def post(self, execution_id: str) -> None:
        """Ask for another priority or runtime limit (in seconds), and show the execution."""
        wish = read_form(_Wish, self)
        record = await self.find_execution(int(execution_id))
        changes = Changes(priority=wish.priority, runtime_limit=wish.runtime_limit)
        self.note(f"executions/{record.id}", **changes.document())
        if changes:
            await change(self, record, changes)
        self.redirect(f"{self.context.prefix}executions/{record.id}", status=303)


def _priorities(visitor: Visitor, execution: Execution) -> list[str]:
    """Those to choose from, the present one included."""
    high = visitor.may(Scope.PRIORITY) or execution.priority == "high"
    return ["low", "normal", *(["high"] if high else [])]


def titles(handler: PageHandler) -> dict[str, str]:
    """The titles, by slug, of the ZApps that the visitor may launch."""
    entries = handler.context.submission.entries(handler.visitor.requester())
    return {entry.slug: entry.title for entry in entries}
