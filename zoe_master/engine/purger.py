"""Carries out the wishes to purge what has ended: first the kept logs go, then the rows.

So a crash in between leaves the wish, and the next master begins again. Beside the loop, which does
not wait for it: what has ended is none of its business. A wish waits while something may be left on
the back-end: without its execution nothing would explain it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from zoe_master.engine.about import about
from zoe_master.engine.logs import LogKeeper
from zoe_master.engine.observer import Unsettled
from zoe_store.checkpoints import Checkpoint, reached
from zoe_store.database import DatabaseAway
from zoe_store.office import Office, OutOfOffice
from zoe_store.purge import AT_ONCE, purge, wanted

LOOK_EVERY = 1.0
"""Seconds between two looks for wishes."""

TRY_AGAIN = 300.0
"""Seconds until what could not be purged is tried again."""


class Purger:
    """Runs until it is cancelled; raises OutOfOffice when it may not act any longer.

    ``unsettled`` says of which executions something may be left, and on which nodes.
    """

    def __init__(
        self,
        office: Office,
        logs: LogKeeper,
        unsettled: Callable[[], Unsettled],
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._office = office
        self._logs = logs
        self._unsettled = unsettled
        self._log = log
        self._left_out: dict[int, float] = {}  # until when, by time.monotonic()

    async def run(self) -> None:
        """Look for wishes every ``LOOK_EVERY`` seconds, and on while there may be more."""
        while True:
            try:
                purged = await asyncio.to_thread(self.purge_some)
            except DatabaseAway as error:
                self._log.warning("Nothing is purged now, trying again: %s", error)
                purged = 0
            if purged < AT_ONCE:
                await asyncio.sleep(LOOK_EVERY)

    def purge_some(self) -> int:
        """Purge up to ``AT_ONCE`` executions; returns how many were wanted. Blocks."""
        now = time.monotonic()
        self._left_out = {each: until for each, until in self._left_out.items() if until > now}
        unsettled = self._unsettled()
        but = self._left_out.keys() | unsettled.executions
        wishes = wanted(self._office, unsettled.listed_at, but, unsettled.away)
        ready = [each for each in wishes if self._forget_logs(each)]
        if ready:
            reached(Checkpoint.PURGE_LOGS_REMOVED)
            for purged in self._purge(ready):
                said = "Purged execution %d, as %s wished"
                self._log.info(said, purged, wishes[purged], extra=about(purged))
        return len(wishes)

    def _forget_logs(self, execution_id: int) -> bool:
        self._office.require()
        try:
            self._logs.forget(execution_id)
        except OSError as error:
            said = "Execution %d is not purged now: %s"
            self._log.warning(said, execution_id, error, extra=about(execution_id))
            self._leave_out(execution_id)
            return False
        return True

    def _purge(self, execution_ids: Sequence[int]) -> list[int]:
        """What the database refuses is left out for now: this must never end a term of office."""
        try:
            return purge(self._office, execution_ids, datetime.now(UTC))
        except (DatabaseAway, OutOfOffice):
            raise
        except Exception:  # noqa: BLE001 -- an edge: logged
            self._log.exception("Executions %s cannot be purged now", execution_ids)
            for each in execution_ids:
                self._leave_out(each)
            return []

    def _leave_out(self, execution_id: int) -> None:
        self._left_out[execution_id] = time.monotonic() + TRY_AGAIN
