"""The gallery: a card for each ZApp, its launch form, and what was launched from it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial

import anyio
from ipywidgets import HTML, Box, Button, Layout, VBox

from zoe_client._async_execution import AsyncExecution
from zoe_client._client import Client
from zoe_client._errors import ZoeError
from zoe_client.display._blocks import Block, Title, card_html, to_html
from zoe_client.display.gallery import card, gallery_blocks
from zoe_client.widgets._form import LaunchForm
from zoe_client.widgets._live import Live, close_parts
from zoe_client.widgets.execution import ExecutionView
from zoe_core.protocol import rest

MOST_VIEWS = 10
"""Executions that are shown below; the oldest leave first."""


class Gallery(Live):
    """Shows what may be launched; a click on a card opens its form, and Launch launches it.

    ``executions`` are the views of what was launched here, the newest first.
    """

    def __init__(self, *, client: Client | None = None) -> None:
        self._wanted = ""
        self._zapps: tuple[rest.ZAppSummary, ...] | None = None
        self._logos: dict[str, str] = {}
        self._cards: dict[str, VBox] = {}
        self.executions: tuple[ExecutionView, ...] = ()
        self.form: LaunchForm | None = None
        self._title = HTML()
        self._shelf = Box(layout=Layout(flex_flow="row wrap"))
        self._desk, self._launched = VBox(), VBox()
        super().__init__(
            client.asynchronous if client else None,
            [self._title, self._shelf, self._desk, self._launched],
        )
        self.refresh()
        self._start()

    async def follow(self) -> None:
        """Fetch the cards, and their pictures after them."""
        zapps = await self.patiently(self._client.zapps)
        if self._closing:
            return
        if zapps != self._zapps:
            self._zapps = zapps
            self._fill_shelf(zapps)
            self.keep_still()
        missing = [each for each in zapps if each.slug not in self._logos]
        async with anyio.create_task_group() as tasks:
            for each in missing:
                tasks.start_soon(self._fetch_logo, each)
        if missing:
            self.keep_still()

    async def _fetch_logo(self, zapp: rest.ZAppSummary) -> None:
        logo = f"{zapp.url}/logo"
        try:
            answer = await self._client.connection.send("GET", self._client.absolute(logo))
        except ZoeError:
            return  # a card is good without it
        kind = answer.headers.get("Content-Type", "")
        if kind.startswith("image/"):
            encoded = base64.b64encode(answer.content).decode()
            self._logos[zapp.slug] = f"data:{kind};base64,{encoded}"
            self._cards[zapp.slug].children[0].value = self._card(zapp)

    def blocks(self) -> Sequence[Block]:
        """The cards, and what was launched."""
        launched = [block for each in self.executions for block in each.blocks()]
        cards = [] if self._zapps is None else gallery_blocks(self._zapps, self._logos)
        return [self._heading, *cards, *launched]

    def paint(self) -> None:
        """Say whether Zoe is there."""
        self._title.value = to_html([self._heading], style=False)

    @property
    def _heading(self) -> Title:
        return Title("Gallery", self.badges)

    def _card(self, zapp: rest.ZAppSummary) -> str:
        html = card_html(card(zapp, self._logos.get(zapp.slug, "")))
        return f'<div class="zoe">{html}</div>'

    def _fill_shelf(self, zapps: Sequence[rest.ZAppSummary]) -> None:
        close_parts(self._shelf)
        self._cards = {}
        for each in zapps:
            choose = Button(
                description="Choose", tooltip=f"Launch {each.name}", layout=Layout(width="auto")
            )
            choose.disabled = not each.available
            choose.on_click(partial(self._chosen, each.slug))
            box = VBox([HTML(self._card(each)), choose])
            self._cards[each.slug] = box.add_class("zoe-cardbox")
        self._shelf.children = tuple(self._cards.values())

    def _chosen(self, slug: str, _: Button) -> None:
        self.choose(slug)

    def choose(self, slug: str) -> None:
        """Open the form of a ZApp."""
        self.in_background(partial(self._open, slug))

    async def _open(self, slug: str) -> None:
        self._wanted = slug
        zapp = await self._client.zapp(slug)
        if self._closing or slug != self._wanted:  # another was chosen meanwhile
            return
        self._dismiss()
        self.form = LaunchForm(
            self._client, zapp, self.in_background, self._follow_new, self._dismiss
        )
        self._desk.children = (self.form,)
        self._mark(slug)

    def _mark(self, chosen: str | None) -> None:
        for slug, box in self._cards.items():
            (box.add_class if slug == chosen else box.remove_class)("zoe-chosen")

    def _dismiss(self) -> None:
        self._mark(None)
        self._desk.children = ()
        if self.form is not None:
            close_parts(self.form)
            self.form.close()
            self.form = None

    def _follow_new(self, execution: AsyncExecution) -> None:
        if self._closing:
            return
        # Of the client that was given: the view itself says when it is lost.
        view = ExecutionView(AsyncExecution(self._given, execution.document))
        views = (view, *self.executions)
        self.executions = views[:MOST_VIEWS]
        self._launched.children = self.executions
        for each in views[MOST_VIEWS:]:
            each.close()
        self.keep_still()
