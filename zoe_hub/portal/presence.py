"""Whether the scheduler is there, looked up once for all who want to be told when that changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from zoe_core.protocol import AWAY_AFTER
from zoe_core.protocol.rest_platform import Scheduler
from zoe_hub.endless import for_ever
from zoe_hub.views import Views
from zoe_store.database import DatabaseAway

LOOK_EVERY = 1.0
"""Seconds between two looks into the database."""

log = logging.getLogger(__name__)


class SchedulerPresence:
    """``latest`` is what was last seen; None before the first look that succeeded.

    It counts as away when the database is: it does nothing without it. ``changed`` is called when
    it has come or gone.
    """

    def __init__(self, views: Views, changed: Callable[[], None]) -> None:
        self._views = views
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self.latest: Scheduler | None = None

    def start(self) -> None:
        """Begin to look; on the event loop that is running."""
        self._task = asyncio.create_task(for_ever("Looking for the scheduler", self._look))

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        looked = time.monotonic()
        while True:
            try:
                self._note(await self._views.scheduler())
                looked = time.monotonic()
            except DatabaseAway:
                if self.latest is not None and time.monotonic() - looked > AWAY_AFTER:
                    self._note(self.latest.model_copy(update={"status": "away"}))
            await asyncio.sleep(LOOK_EVERY)

    def _note(self, seen: Scheduler) -> None:
        before, self.latest = self.latest, seen
        if before is not None and seen.status != before.status:
            level = logging.WARNING if seen.status == "away" else logging.INFO
            log.log(level, "The scheduler is %s", seen.status)
        if before is None or seen.status != before.status:
            self._changed()
