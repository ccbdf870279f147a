"""The gallery, and the page of one ZApp with its launch form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

from tornado.web import HTTPError

from zoe_core.zapp import Changes, Problem
from zoe_hub.portal.api.addresses import LaunchForm
from zoe_hub.portal.auth import Scope
from zoe_hub.portal.deeds import deed
from zoe_hub.portal.launching import launch
from zoe_hub.portal.pages.ordering import extra_fields, read_order, sent_fields
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.presenters.estimate import NOT_NOW
from zoe_hub.portal.presenters.form import as_launched, launch_form
from zoe_hub.portal.presenters.gallery import Wanted, card, needs, shelves
from zoe_hub.portal.presenters.readme import to_html
from zoe_hub.portal.presenters.sizes import as_chosen
from zoe_hub.portal.requests import id_in_query, read_form
from zoe_hub.refusal import Refused
from zoe_store.cluster import known_nodes, master_record
from zoe_store.executions import ExecutionRecord

if TYPE_CHECKING:
    from zapp_gallery.loader import GalleryEntry

_ABOUT_THE_FORM = frozenset({409, 422, 429})
"""Statuses of refusals that the person can do something about, in the form."""


_LONGEST_SEARCH = 200  # characters


class GalleryPage(PageHandler):
    """The portal's first page."""

    async def get(self) -> None:
        """Show what this person may launch; ``q`` and ``category`` say what of it."""
        text = self.get_query_argument("q", "")[:_LONGEST_SEARCH]
        category = self.get_query_argument("category", "")
        nodes = await self.context.run(known_nodes, self.context.database)
        entries = self.context.submission.entries(self.visitor.requester())
        master = await self.context.run(master_record, self.context.database)
        await self.render_page(
            "gallery.html",
            title="Gallery",
            here="gallery",
            shelves=shelves(entries, nodes, self.context.prefix, Wanted.of(text, category)),
            text=text,
            category=category,
            may_launch_own=self.visitor.may(Scope.LAUNCH_OWN),
            one_system_user=master.backend == "process",
            config=self.live_config(),
        )


class ZAppPage(PageHandler):
    """``/zapps/{slug}``."""

    async def get(self, slug: str) -> None:
        """Show the README and the form; ``again`` names an execution to fill it in like."""
        entry = find_entry(self, slug)
        await self._show(entry, await self._as_launched(entry))

    async def _as_launched(self, entry: GalleryEntry) -> dict[str, str] | None:
        again = id_in_query(self, "again")
        if again is None:
            return None
        record = await self.find_execution(again)
        if record.zapp != entry.slug:
            return None
        changes = Changes.model_validate(record.changes)
        return {
            **as_launched(entry.parameters, record.name, record.parameters),
            **as_chosen(changes.resources, changes.runtime_limit),
        }

    @deed("launch")
    async def post(self, slug: str) -> None:
        """Launch, and lead on to where it can be followed; or show what is wrong in the form."""
        entry = find_entry(self, slug)
        given = sent_fields(self)
        # A server's key would become a part of its name: the Hub keeps those from being doubled.
        key = None if entry.zapp.hub_server else read_form(LaunchForm, self).key
        try:
            record, _ = await launch(self, await read_order(self, entry, given), key)
        except Refused as refused:
            if refused.status not in _ABOUT_THE_FORM:
                raise
            self.set_status(refused.status)
            await self._show(entry, given, refused.told)
        else:
            self.redirect(self._next_page(record), status=303)

    async def _show(
        self,
        entry: GalleryEntry,
        given: Mapping[str, str] | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        nodes = await self.context.run(known_nodes, self.context.database)
        shown = card(entry, nodes, self.context.prefix)
        extra = await extra_fields(self, entry)
        others = [each for each in problems if _plain_field(each) not in extra.fields]
        at_extras = [replace(each, field=_plain_field(each)) for each in problems]
        platform = await self.context.submission.platform.look()
        await self.render_page(
            "zapp.html",
            title=shown.title,
            here="gallery",
            card=shown,
            category=entry.category,
            readme=to_html(entry.readme_markdown),
            needs=needs(entry.applied({}), platform.master.defaults),
            form=launch_form(entry.slug, entry.parameters, given, others),
            extra=extra.filled(given, at_extras),
            may_launch=self.visitor.may(Scope.LAUNCH),
            key=uuid4().hex,
            no_estimate=NOT_NOW,
            counts=any(each.kind == "service_count" for each in entry.parameters),
            config=self.live_config(),
        )

    def _next_page(self, record: ExecutionRecord) -> str:
        if record.server_name:
            user = quote(record.user, safe="@")
            return f"{self.context.base_url}hub/spawn-pending/{user}/{record.server_name}"
        return f"{self.context.prefix}executions/{record.id}"


def _plain_field(problem: Problem) -> str:
    """The field as the form knows it: one of the ZApp's is told as one of the description."""
    return problem.field.removeprefix("description.")


def find_entry(handler: PageHandler, slug: str) -> GalleryEntry:
    """The ZApp of the gallery, when it is meant for the visitor; else 404."""
    entry = handler.context.submission.entry(handler.visitor.requester(), slug)
    if entry is None:
        raise HTTPError(404, f"The gallery has no ZApp called {slug!r} for you.")
    return entry
