"""Executions as they are now, read once for all streams that ask at the same time.

What is asked for while one reading is under way shares the next: the cost grows with what changes,
and less than that when much changes. Nobody waits for company.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from copy import copy

from zoe_core.protocol.rest import Execution
from zoe_hub.views import Views
from zoe_store import executions

BATCH = 100
"""Executions in one reading, at most."""


class NewestDocuments:
    """Used on one event loop only."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._wanted: dict[int, asyncio.Future[Execution | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, execution_id: int) -> Execution | None:
        """The document as of now or later; None when there is none. Raises DatabaseAway."""
        wanted = self._wanted.get(execution_id)
        if wanted is None:
            wanted = asyncio.get_running_loop().create_future()
            self._wanted[execution_id] = wanted
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_all())
        # Several may wait for it: that one of them gives up does not end it for the others.
        return await asyncio.shield(wanted)

    async def _read_all(self) -> None:
        """Until nobody waits."""
        while self._wanted:
            ids = list(self._wanted)[:BATCH]
            waiting = [self._wanted.pop(each) for each in ids]
            try:
                found = await self._read(ids)
            except Exception as error:  # noqa: BLE001 -- whoever asked gets it
                for each in waiting:
                    each.set_exception(copy(error))  # each place that raises one adds to it
                    each.exception()  # who asked may have left
            else:
                for execution_id, each in zip(ids, waiting, strict=True):
                    each.set_result(found.get(execution_id))
        self._reading = None

    async def _read(self, ids: Sequence[int]) -> Mapping[int, Execution]:
        records = await asyncio.to_thread(executions.get_all, self._views.database, ids)
        shown = await self._views.executions(records)
        return {each.id: each for each in shown}
