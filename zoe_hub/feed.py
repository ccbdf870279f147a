"""The event log as a stream: one reader for the whole process, any number of followers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection
from contextlib import suppress

from zoe_hub.endless import for_ever
from zoe_hub.link import MasterLink
from zoe_store.database import Database, DatabaseAway
from zoe_store.events import EventRecord, newest_event, read_events
from zoe_store.executions import owners_of

LOOK_EVERY = 1.0
"""Seconds between looks into the database when the master says nothing: its news may be lost."""

PAGE = 500
"""Events read in one query."""

log = logging.getLogger(__name__)


class _Follower:
    """Wakes up for the executions of one person, or for one execution."""

    def __init__(self, execution_id: int | None, user: str | None) -> None:
        self.execution_id = execution_id
        self.user = user
        self.bell = asyncio.Event()

    def wants(self, execution_ids: Collection[int], owners: Collection[str]) -> bool:
        """Whether events of these executions, of these people, are among its own."""
        if self.execution_id is not None:
            return self.execution_id in execution_ids
        return self.user is None or self.user in owners


class EventFeed:
    """Reads new events once and wakes those who follow what they are about.

    Each follower then reads its own events after its own id: a slow one delays nobody, and none is
    missed or doubled.
    """

    def __init__(self, database: Database, link: MasterLink) -> None:
        self._database = database
        self._link = link
        self._followers: set[_Follower] = set()
        self._heard = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read."""
        self._link.ring(self._heard)
        self._reader = asyncio.create_task(for_ever("The reader of events", self._read))

    async def close(self) -> None:
        """Stop reading; followers wait for ever."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def follow(
        self, *, after: int, execution_id: int | None = None, user: str | None = None
    ) -> AsyncGenerator[EventRecord, None]:
        """All events after that id, in order, for ever: of one execution, of one user, or all.

        Goes on by itself when the database was away. Whoever is slow to take them holds one page
        and delays nobody.
        """
        follower = _Follower(execution_id, user)
        self._followers.add(follower)
        try:
            while True:
                follower.bell.clear()
                events = await self._events_after(after, execution_id, user)
                for event in events:
                    yield event
                    after = event.id
                if not events:
                    await follower.bell.wait()
        finally:
            self._followers.discard(follower)

    async def changed(self, execution_id: int, timeout: float) -> None:
        """Return at the next event of an execution, at the latest after ``timeout`` seconds."""
        follower = _Follower(execution_id, None)
        self._followers.add(follower)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await follower.bell.wait()
        finally:
            self._followers.discard(follower)

    async def _events_after(
        self, after: int, execution_id: int | None, user: str | None
    ) -> list[EventRecord]:
        while True:
            try:
                return await asyncio.to_thread(
                    read_events,
                    self._database,
                    after=after,
                    execution_id=execution_id,
                    user=user,
                    limit=PAGE,
                )
            except DatabaseAway:
                await asyncio.sleep(LOOK_EVERY)

    async def _read(self) -> None:
        newest: int | None = None
        while True:
            try:
                if newest is None:
                    newest = await asyncio.to_thread(newest_event, self._database)
                    # Who came before this may have looked before the newest of them was there.
                    for follower in self._followers:
                        follower.bell.set()
                else:
                    newest = await self._ring_bells(newest)
            except DatabaseAway as error:
                log.warning("The database is away, trying again: %s", error)
            # Not wait_for: in Python 3.11 it swallows a cancellation that comes with the bell.
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._heard.wait()
            self._heard.clear()

    async def _ring_bells(self, after: int) -> int:
        """Wake the followers of all events after ``after``; returns the newest id."""
        events = await asyncio.to_thread(read_events, self._database, after=after, limit=PAGE)
        if not events:
            return after
        execution_ids = {event.execution_id for event in events}
        owners = await asyncio.to_thread(owners_of, self._database, execution_ids)
        people = set(owners.values())
        for follower in self._followers:
            if follower.wants(execution_ids, people):
                follower.bell.set()
        if len(events) == PAGE:
            self._heard.set()
        return events[-1].id
