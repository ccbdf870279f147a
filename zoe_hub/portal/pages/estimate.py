"""The part of a launch form that says when it would start, asked for whenever something changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from zoe_core.protocol.rest import MAX_ALTERNATIVES
from zoe_core.zapp import Parameter
from zoe_hub.link import MasterAway
from zoe_hub.portal.launching import estimate, require_launch
from zoe_hub.portal.pages.gallery import find_entry
from zoe_hub.portal.pages.ordering import extra_fields, read_order, sent_fields
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.presenters.estimate import (
    NOT_NOW,
    Choices,
    choices,
    other_counts,
    would_be_refused,
)
from zoe_hub.portal.presenters.expected import When, when
from zoe_hub.portal.presenters.gallery import Need, needs
from zoe_hub.refusal import Refused
from zoe_hub.submission import Launch, Order

if TYPE_CHECKING:
    from zapp_gallery.loader import GalleryEntry


@dataclass(frozen=True, slots=True)
class _Asked:
    """The launch as it was entered, or why it would be refused, and what could be had instead."""

    launch: Launch | None
    refusal: str
    others: list[tuple[Parameter, int]]
    launches: list[Launch]

    @property
    def all(self) -> list[Launch]:
        """All that the scheduler is to be asked about."""
        return [*([self.launch] if self.launch else []), *self.launches]


class EstimatePart(PageHandler):
    """``/zapps/{slug}/estimate``."""

    async def post(self, slug: str) -> None:
        """Say when the form, as it is sent, would start, and offer other numbers of instances."""
        entry = find_entry(self, slug)
        asked = await self._read(entry)
        needed = await self._needs(asked.launch)
        try:
            starts = await estimate(self, asked.all) if asked.all else ()
        except MasterAway:
            self._show(When(asked.refusal or NOT_NOW, known=False), needed)
            return
        own = starts[: len(starts) - len(asked.others)]
        others = starts[len(own) :]
        told = any(each.status != "unknown" for each in starts)
        self._show(
            when(own[0]) if own else When(asked.refusal, known=False),
            needed,
            choices(asked.others, others) if told else (),
        )

    async def _read(self, entry: GalleryEntry) -> _Asked:
        require_launch(self.visitor, Order(zapp=entry.slug))
        launch, refusal = None, ""
        try:
            order = await read_order(self, entry, {**sent_fields(self), "name": ""})
        except Refused as refused:
            return _Asked(None, await self._refusal(entry, refused), [], [])
        try:
            launch = await self._check(order)
        except Refused as refused:
            refusal = await self._refusal(entry, refused)
        values = order.parameters
        others: list[tuple[Parameter, int]] = []
        launches: list[Launch] = []
        for parameter, count in other_counts(entry.zapp, entry.parameters, values):
            if len(others) == MAX_ALTERNATIVES:
                break
            changed = replace(order, parameters={**values, parameter.key: str(count)})
            try:
                launches.append(await self._check(changed))
            except Refused:
                continue  # what could never start is no offer
            others.append((parameter, count))
        return _Asked(launch, refusal, others, launches)

    async def _refusal(self, entry: GalleryEntry, refused: Refused) -> str:
        labels = (await extra_fields(self, entry)).labels
        return would_be_refused(refused.told, entry.parameters, labels)

    async def _needs(self, launch: Launch | None) -> list[Need]:
        if launch is None:
            return []
        platform = await self.context.submission.platform.look()
        return needs(launch.zapp, platform.master.defaults)

    async def _check(self, order: Order) -> Launch:
        return await self.context.submission.check(self.visitor.requester(), order)

    def _show(self, answer: When, needed: Sequence[Need], rows: Sequence[Choices] = ()) -> None:
        self._send("estimate.html", {"when": answer, "rows": rows, "needs": needed})
