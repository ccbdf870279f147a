"""My executions, the page of one, and its stop button."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from tornado.web import HTTPError

from zoe_core.cluster import FINAL
from zoe_core.protocol.rest import Execution
from zoe_hub.portal.api.executions import terminate
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.presenters import executions as presented
from zoe_hub.portal.presenters.instances import instance_rows
from zoe_hub.portal.presenters.story import Scene, tell
from zoe_hub.portal.presenters.times import moment
from zoe_hub.views import described
from zoe_store import executions
from zoe_store.events import has_happened
from zoe_store.executions import ExecutionRecord

PAGE = 25
"""Executions on one page of the list."""


class ExecutionsPage(PageHandler):
    """``/executions``."""

    async def get(self) -> None:
        """List the visitor's executions, newest first; ``before`` is where an older page begins."""
        before = self._before()
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
            config=live_config(self, f"{self.context.prefix}api/v1/events"),
        )

    def _before(self) -> int | None:
        text = self.get_query_argument("before", None)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise HTTPError(404)
        return int(text)


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
            "crowded": Counter(each.name for each in execution.endpoints),
        }

    async def _present(self, record: ExecutionRecord, execution: Execution) -> dict[str, object]:
        now = datetime.now(UTC)
        zapp = described(record)
        stoppable = execution.status in presented.STOPPABLE
        stopping = stoppable and await self._stop_requested(record)
        away = (await self.context.views.scheduler()).status == "away"
        return {
            "final": execution.status in FINAL,
            "may_stop": stoppable and not stopping,
            "badge": presented.badge(execution.status),
            "submitted": moment(execution.submitted_at, now),
            "lasted": presented.lasted(execution, now),
            "since": presented.since(execution),
            "story": tell(Scene(execution, zapp, now, stopping, away)),
            "instances": instance_rows(execution.instances, zapp),
        }

    async def _stop_requested(self, record: ExecutionRecord) -> bool:
        if record.terminate is not None:
            return True
        return await self.context.run(
            has_happened, self.context.database, record.id, "terminate_requested"
        )

    def _config(self, execution: Execution) -> dict[str, object]:
        address = f"{self.context.prefix}api/v1/executions/{execution.id}"
        about = {"execution": execution.id, "instances": f"{address}/instances"}
        return live_config(self, f"{address}/events") | about


class StopExecution(PageHandler):
    """``/executions/{id}/stop``."""

    async def post(self, execution_id: str) -> None:
        """Ask for the end, and go back to where the button was."""
        record = await self.find_execution(int(execution_id))
        await terminate(self, record.id)
        page = f"{self.context.prefix}executions"
        from_list = self.get_body_argument("back", "") == "list"
        self.redirect(page if from_list else f"{page}/{record.id}", status=303)


def titles(handler: PageHandler) -> dict[str, str]:
    """The titles, by slug, of the ZApps that the visitor may launch."""
    entries = handler.context.submission.entries(handler.visitor.requester())
    return {entry.slug: entry.title for entry in entries}


def live_config(handler: PageHandler, events: str) -> dict[str, object]:
    """What the scripts of a live page need to know; ``events`` is the address of its stream."""
    return {**handler.script_config(), "events": events}
