"""What answers here: versions, the documentation of REST, and figures for Prometheus."""

from __future__ import annotations

from importlib.metadata import version

from zoe_core.protocol.rest import Caller, Info
from zoe_hub.portal.auth import ApiHandler, Scope
from zoe_hub.portal.operations import JSON, TEXT, operation
from zoe_hub.views import scheduler_document
from zoe_store import cluster


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
        """Read figures of the portal, the scheduler and the nodes."""
        figures = self.context.metrics
        await self.context.run(figures.look, self.context.database)
        content_type, text = figures.render()
        self.set_header("Content-Type", content_type)
        self.finish(text)
