"""The queue and the nodes as they are now."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress

import anyio
from ipywidgets import HTML

from zoe_client._client import Client
from zoe_client.display._blocks import Block, Title, to_html
from zoe_client.display.platform import cluster_blocks, queue_blocks
from zoe_client.widgets._live import AWAY, Live
from zoe_core.protocol import rest_platform

INTERVAL = 3.0
"""Seconds after which it is asked for again; at once when something happens to one's own."""

SOONEST = 0.5
"""Seconds between two questions at least."""

KEPT = 60.0
"""Seconds between two changes of what a saved notebook shows: each one makes it unsaved."""


class _Polled(Live):
    """What no stream tells: it is asked for every few seconds."""

    def __init__(self, client: Client | None) -> None:
        self._html = HTML()
        self._happened = anyio.Event()
        super().__init__(client.asynchronous if client else None, [self._html])
        self.refresh()
        self._start()

    @abstractmethod
    async def ask(self) -> None:
        """Ask for what is shown."""

    async def follow(self) -> None:
        """Ask again and again."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen)
            kept = -KEPT
            while True:
                self._happened = anyio.Event()
                await self.patiently(self.ask, "what is asked for")
                self.refresh()
                if anyio.current_time() - kept >= KEPT:
                    kept = anyio.current_time()
                    self.keep_still()
                await anyio.sleep(SOONEST)
                with anyio.move_on_after(INTERVAL):
                    await self._happened.wait()

    async def _listen(self) -> None:
        """Hear of one's own executions; while it cannot, the questions are enough."""
        while True:
            with suppress(*AWAY):
                async for _ in self._client.events():
                    self._happened.set()
            self._heard("", None)
            await anyio.sleep(INTERVAL)

    def paint(self) -> None:
        """Show what is known now."""
        self._html.value = to_html(self.blocks(), style=False)


class Queue(_Polled):
    """Shows what waits, in order, with one's own marked.

    ``document`` is how it was last seen, None before that.
    """

    def __init__(self, *, client: Client | None = None) -> None:
        self.document: rest_platform.Queue | None = None
        self._reader = ""
        super().__init__(client)

    async def ask(self) -> None:
        """Ask for the queue, and once for who is asking."""
        if not self._reader:
            self._reader = (await self._client.info()).caller.name
        self.document = await self._client.queue()

    def blocks(self) -> Sequence[Block]:
        """The queue."""
        if self.document is None:
            return [Title("Queue", self.badges)]
        return queue_blocks(self.document, self._reader, self._client.url, self.badges)


class Cluster(_Polled):
    """Shows the nodes as bars: how much of each is reserved.

    ``document`` is how they were last seen, None before that.
    """

    def __init__(self, *, client: Client | None = None) -> None:
        self.document: rest_platform.Cluster | None = None
        super().__init__(client)

    async def ask(self) -> None:
        """Ask for the nodes."""
        self.document = await self._client.cluster()

    def blocks(self) -> Sequence[Block]:
        """The nodes."""
        if self.document is None:
            return [Title("Cluster", self.badges)]
        return cluster_blocks(self.document, self.badges)
