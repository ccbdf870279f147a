"""Follows the execution that a Jupyter server is, while a page of it is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from zoe_client import AsyncClient, ZoeError
from zoe_client.jupyter.notices import notice
from zoe_core.protocol.rest import Execution

TRY_AGAIN = 30.0
"""Seconds before the portal is asked again that did not answer for long, or refused."""

LOOK_EVERY = 2.0
"""Seconds between looks for activity while the server counts as idle."""

Listener = Callable[[dict[str, Any]], None]

log = logging.getLogger(__name__)


class Follower:
    """One event stream from the portal for all pages of this server, with the server's own token.

    ``last_activity`` says when the server was last used. While it counts as idle, this looks, and
    tells the portal at once that somebody is back, which would hear of it a minute later.
    """

    def __init__(self, execution_id: int, last_activity: Callable[[], datetime]) -> None:
        self._id = execution_id
        self._last_activity = last_activity
        self._listeners: set[Listener] = set()
        self._known: Execution | None = None
        self._idle_since: datetime | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def join(self, listener: Listener) -> None:
        """Tell ``listener`` what is known, and whatever changes."""
        self._listeners.add(listener)
        if not self._tasks:
            self._tasks = {asyncio.create_task(self._follow()), asyncio.create_task(self._watch())}
        elif self._known is not None:
            listener(notice(self._known, datetime.now(UTC)))

    def leave(self, listener: Listener) -> None:
        """Tell it no more; nobody is asked while no page is open."""
        self._listeners.discard(listener)
        if not self._listeners:
            for each in self._tasks:
                each.cancel()
            self._tasks, self._known, self._idle_since = set(), None, None

    async def stay(self, runtime_limit: int | None = None) -> None:
        """Have the server go on: keep it although it idles, or let it run for ``runtime_limit``.

        That is in seconds since its start, as a notice offered it: who asks twice gets it once, and
        one that may run longer by now keeps what it has. Raises ZoeError.
        """
        path = f"/executions/{self._id}"
        async with AsyncClient() as zoe:
            if runtime_limit is None:
                await zoe.connection.send("POST", f"{path}/keep")
            elif self._known is None or (self._known.runtime_limit or 0) < runtime_limit:
                change = {"runtime_limit": runtime_limit}
                await zoe.connection.send("PATCH", path, json=change)

    async def _follow(self) -> None:
        while True:
            try:
                async with AsyncClient() as zoe:
                    execution = await zoe.get(self._id)
                    async with aclosing(execution.watch()) as seen:
                        async for document in seen:
                            self._tell(document)
                return  # it has ended, and this server with it
            except ZoeError as error:
                log.warning("Pages cannot warn of the end of this server: %s", error)
            except Exception:  # an edge: nobody else would begin anew
                log.exception("Pages cannot warn of the end of this server")
            await asyncio.sleep(TRY_AGAIN)

    def _tell(self, document: Execution) -> None:
        self._known = document
        if document.ends_because != "idle":
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = datetime.now(UTC)
        told = notice(document, datetime.now(UTC))
        for each in set(self._listeners):
            each(told)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._keep_if_used()
                continue
            except ZoeError as error:
                log.warning("Zoe could not be told that this server is used: %s", error)
            except Exception:  # an edge: nobody else would begin anew
                log.exception("Zoe could not be told that this server is used")
            await asyncio.sleep(TRY_AGAIN)

    async def _keep_if_used(self) -> None:
        if self._idle_since is None or self._last_activity() < self._idle_since:
            return
        await self.stay()
        self._idle_since = None if self._idle_since is None else datetime.now(UTC)
