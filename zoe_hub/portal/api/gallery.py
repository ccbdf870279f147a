"""The gallery over REST: cards, one ZApp in full, and checking a description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoe_core.cluster import Node
from zoe_core.names import shorten
from zoe_core.protocol.rest import (
    FieldProblem,
    Parameter,
    Validation,
    ValidationRequest,
    ZAppDetail,
    ZAppList,
    ZAppSummary,
)
from zoe_core.zapp import Problem, zapp_document
from zoe_hub.portal.api.addresses import ZAppPath
from zoe_hub.portal.auth import ApiHandler
from zoe_hub.portal.operations import operation
from zoe_hub.portal.presenters.gallery import card
from zoe_hub.refusal import Refused
from zoe_store import cluster

if TYPE_CHECKING:
    from zapp_gallery.loader import GalleryEntry


class GalleryHandler(ApiHandler):
    """Makes documents of the gallery's entries."""

    async def nodes(self) -> list[Node]:
        """The last known nodes: they say what can be started here."""
        return await self.context.run(cluster.known_nodes, self.context.database)

    def summary(self, entry: GalleryEntry, nodes: list[Node]) -> ZAppSummary:
        """The card of an entry."""
        shown = card(entry, nodes, self.context.prefix)
        return ZAppSummary(
            slug=entry.slug,
            name=entry.title,
            category=entry.category,
            description=shown.summary,
            url=shown.url,
            available=not shown.missing,
            missing=shown.missing,
        )


class ZApps(GalleryHandler):
    """``/zapps``."""

    @operation(
        "listZApps",
        "List the gallery",
        tag="gallery",
        response=ZAppList,
        answers={200: "The ZApps that you may launch, by category."},
    )
    async def get(self) -> ZAppList:
        """List the ZApps that are meant for you, and what is missing before one can run here."""
        nodes = await self.nodes()
        entries = self.context.submission.entries(self.visitor.requester())
        return ZAppList(items=tuple(self.summary(entry, nodes) for entry in entries))


class OneZApp(GalleryHandler):
    """``/zapps/{slug}``."""

    @operation(
        "getZApp",
        "Look at a ZApp",
        tag="gallery",
        path=ZAppPath,
        response=ZAppDetail,
        answers={200: "The ZApp with its parameters and its description."},
    )
    async def get(self, path: ZAppPath) -> ZAppDetail:
        """Look at a ZApp of the gallery: its README, its parameters, its description."""
        entry = self.context.submission.entry(self.visitor.requester(), path.slug)
        if entry is None:
            raise Refused(
                404,
                "Not found",
                f"The gallery has no ZApp {shorten(path.slug)!r} for you.",
                field="slug",
            )
        summary = self.summary(entry, await self.nodes())
        return ZAppDetail(
            **dict(summary),
            readme=entry.readme_markdown,
            parameters=tuple(
                Parameter(
                    name=each.name,
                    alias=each.alias,
                    label=each.readable_name,
                    description=each.description,
                    kind=each.kind,
                    type=each.type,
                    default=each.default,
                    min=each.min,
                    max=each.max,
                    step=each.step,
                    file=each.file,
                )
                for each in entry.parameters
            ),
            zapp=zapp_document(entry.zapp),
        )


class Validate(ApiHandler):
    """``/zapps/validate``."""

    @operation(
        "validateZApp",
        "Check a description",
        tag="gallery",
        body=ValidationRequest,
        response=Validation,
        answers={200: "What was found; `valid` says whether it could be launched here."},
    )
    async def post(self, body: ValidationRequest) -> Validation:
        """Check a description of your own without launching it, also against site and quota."""
        problems, warnings = await self.context.submission.find_problems(
            self.visitor.requester(), body.description
        )
        return Validation(
            valid=not problems, problems=_documents(problems), warnings=_documents(warnings)
        )


def _documents(problems: tuple[Problem, ...]) -> tuple[FieldProblem, ...]:
    return tuple(FieldProblem(field=each.field, message=each.message) for each in problems)
