"""What answers here: versions, the documentation of REST, and figures for Prometheus."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version

from zoe_core.protocol.rest_platform import Caller, Info
from zoe_hub.link import MasterAway
from zoe_hub.portal.auth import ApiHandler, Scope
from zoe_hub.portal.operations import JSON, TEXT, operation
from zoe_hub.views import scheduler_document
from zoe_store import cluster
from zoe_store.database import DatabaseAway


class ShowInfo(ApiHandler):
    """``/info``."""

    @operation(
        "info",
        "Versions, scheduler, and who you are",
        tag="about",
        response=Info,
        answers={200: "What answers here."},
    )
    async def get(self) -> Info:
        """Say which Zoe this is, whether its scheduler is there, and what you may do."""
        record = await self.context.run(cluster.master_record, self.context.database)
        scopes = (scope for scope in self.visitor.scopes if scope.startswith("custom:zoe:"))
        return Info(
            version=version("zoe"),
            deployment=record.uuid,
            backend=record.backend,
            scheduler=scheduler_document(record),
            caller=Caller(
                name=self.visitor.name,
                groups=tuple(sorted(self.visitor.groups)),
                scopes=tuple(sorted(scopes)),
            ),
        )


class OpenApi(ApiHandler):
    """``/openapi.json``."""

    @operation(
        "openapi",
        "This documentation",
        tag="about",
        media=JSON,
        answers={200: "An OpenAPI 3.1 document."},
    )
    async def get(self) -> None:
        """Read the documentation of this interface, made from the code that serves it."""
        self.finish(self.settings["openapi"])


class Metrics(ApiHandler):
    """``/metrics``."""

    @operation(
        "metrics",
        "Figures for Prometheus",
        tag="about",
        media=TEXT,
        scopes=(Scope.STATUS,),
        answers={200: "The text format of Prometheus."},
    )
    async def get(self) -> None:
        """Read figures of the portal, the scheduler and the nodes. What cannot be told while the
        database or the scheduler is away is missing.
        """
        context = self.context
        figures, told, waiting = context.metrics, context.feed.newest, context.audit.waiting
        await context.run(figures.look, context.database, told, waiting)
        content_type, text = figures.render(await self._of_scheduler())
        self.set_header("Content-Type", content_type)
        self.finish(text)

    async def _of_scheduler(self) -> bytes | None:
        with suppress(MasterAway, DatabaseAway):
            return await self.context.link.figures()
        return None
