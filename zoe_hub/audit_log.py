"""Writes down who did what: many at a time, and again until the database has taken it.

REST answers when what was done is in the log, unless the database is away: then what was done
stands all the same, and is recorded as soon as it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from zoe_store.audit import Deed, record
from zoe_store.database import Database, DatabaseAway

log = logging.getLogger(__name__)

BATCH = 200
"""Deeds in one transaction, at most."""

WAITING = 10_000
"""Deeds that may wait for the database. Beyond that only what was done waits, too."""

TRY_AGAIN = 1.0
"""Seconds until the next try while the database is away."""

_CLOSING = 5.0  # seconds for what waits at the end
_LONGEST = 300  # characters of what a request names; it may name anything
_MOST = 30  # fields, or parts of one, that are written down


class AuditLog:
    """The audit log as one event loop writes it. Close it at the end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[tuple[Deed, asyncio.Future[None]]] = deque()
        self._thread = ThreadPoolExecutor(1, "audit")
        self._writing: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Deeds that the database does not have yet."""
        return len(self._waiting)

    async def write(self, deed: Deed) -> None:
        """Return once it is recorded, or the database has shown to be away."""
        recorded = self.add(deed)
        if recorded is not None:
            await recorded

    def add(self, deed: Deed) -> asyncio.Future[None] | None:
        """Have it recorded soon; None when too many wait, and nothing was done.

        What is unknown may have been done.
        """
        if len(self._waiting) >= WAITING and deed.outcome in ("refused", "failed"):
            log.warning("Not in the audit log, which is full: %s", _line(deed))
            return None
        recorded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((deed, recorded))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return recorded

    async def close(self) -> None:
        """Write what waits; what the database does not take in time is logged."""
        if (writing := self._writing) is not None:
            await asyncio.wait({writing}, timeout=_CLOSING)
            writing.cancel()
        for deed, _ in self._waiting:
            log.error("Not in the audit log: %s", _line(deed))
        self._thread.shutdown(wait=False)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._write_some(min(BATCH, len(self._waiting)))
        finally:
            self._writing = None

    async def _write_some(self, count: int) -> None:
        """The longest waiting ones; while the database is away they wait on."""
        batch = [self._waiting[each] for each in range(count)]
        try:
            await self._record([deed for deed, _ in batch])
        except DatabaseAway as error:
            log.warning("The audit log has to wait: %s", error)
            _settle([recorded for _, recorded in self._waiting])
            await asyncio.sleep(TRY_AGAIN)
            return
        for _ in batch:
            self._waiting.popleft()
        _settle([recorded for _, recorded in batch])

    async def _record(self, deeds: list[Deed]) -> None:
        """Write them; one that the database will never take keeps back no other."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, record, self._database, deeds)
        except DatabaseAway:
            raise
        except Exception:
            if len(deeds) == 1:
                log.exception("Not in the audit log: %s", _line(deeds[0]))
                return
            for each in deeds:
                await self._record([each])


def bounded(value: Any) -> Any:
    """What a request named, short, and such that Postgres can keep it."""
    if isinstance(value, str):
        return short(value)
    if isinstance(value, Mapping):
        some = islice(value.items(), _MOST)
        return {short(str(name)): bounded(each) for name, each in some}
    if isinstance(value, list | tuple):
        return [bounded(each) for each in value[:_MOST]]
    return value


def short(text: str) -> str:
    """Without what JSON in Postgres cannot have: NUL, and halves of characters."""
    text = text[:_LONGEST].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "replace").decode()


def _settle(waiting: list[asyncio.Future[None]]) -> None:
    """Let go on who waits: with a record or, while the database is away, without."""
    for each in waiting:
        if not each.done():
            each.set_result(None)


def _line(deed: Deed) -> str:
    return f"{deed.actor} {deed.action} {deed.target} {deed.outcome}"
