"""The event log as a stream: one reader for the whole process, any number of followers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from itertools import chain

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

_Subject = int | str | None  # an execution, a user, or everything


class _Follower:
    """Somebody who follows the executions of one person, one execution, or all.

    Is told what the reader has read, and keeps it until it is taken. Whoever falls ``behind`` reads
    the database instead, as at the beginning. ``roused``: is to look around, events or not; so at
    the beginning as well.
    """

    def __init__(self, execution_id: int | None, user: str | None) -> None:
        self.subject = _subject(execution_id, user)
        self.bell = asyncio.Event()
        self.behind = True
        self.roused = True
        self._told: deque[EventRecord] = deque()

    def tell(self, event: EventRecord) -> None:
        """Keep an event and wake up. What is too much is in the database."""
        if len(self._told) >= PAGE:
            self.fall_behind()
        self._told.append(event)
        self.bell.set()

    def fall_behind(self) -> None:
        """Have it look into the database."""
        self._told.clear()
        self.behind = True
        self.bell.set()

    def take(self) -> list[EventRecord]:
        """What it was told since the last time."""
        taken = list(self._told)
        self._told.clear()
        return taken

    async def rung(self, timeout: float | None) -> None:
        """Return when it is told something, or roused; at the latest after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.bell.wait()


def _subject(execution_id: int | None, user: str | None) -> _Subject:
    return user if execution_id is None else execution_id


class EventFeed:
    """Reads new events once and tells them to those who follow what they are about.

    What was before, and what a slow follower had no room for, it reads itself, after its own id: it
    delays nobody, and none is missed or doubled.
    """

    def __init__(self, database: Database, link: MasterLink) -> None:
        self._database = database
        self._link = link
        self._followers: dict[_Subject, set[_Follower]] = {}
        self._heard = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self.newest: int | None = None
        """Followers were told of all events up to this one; None: it was never read."""

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

        Goes on by itself when the database was away. Whoever is slow to take them holds two pages
        at most, and delays nobody.
        """
        following = self.follow_batches(after=after, execution_id=execution_id, user=user)
        async with aclosing(following) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def follow_batches(
        self, *, after: int, execution_id: int | None = None, user: str | None = None
    ) -> AsyncGenerator[Sequence[EventRecord], None]:
        """As ``follow``, with all at once that have come since the last time.

        The first comes at once, empty or not. Later an empty one means: somebody called ``rouse``.
        """
        with self._following(execution_id, user) as follower:
            while True:
                follower.bell.clear()
                events = await self._news_for(follower, after, execution_id, user)
                # Some were told, and are in the database as well.
                new = [event for event in events if event.id > after]
                if new or follower.roused:
                    follower.roused = False
                    yield new
                after = new[-1].id if new else after
                if not events:
                    await follower.rung(LOOK_EVERY if follower.behind else None)

    def rouse(self) -> None:
        """Have everybody who follows look around: something else than an event is new."""
        for follower in chain.from_iterable(self._followers.values()):
            follower.roused = True
            follower.bell.set()

    async def changed(self, execution_id: int, timeout: float) -> None:
        """Return at the next event of an execution, at the latest after ``timeout`` seconds."""
        with self._following(execution_id, None) as follower:
            await follower.rung(timeout)

    @contextmanager
    def _following(self, execution_id: int | None, user: str | None) -> Iterator[_Follower]:
        follower = _Follower(execution_id, user)
        others = self._followers.setdefault(follower.subject, set())
        others.add(follower)
        try:
            yield follower
        finally:
            others.discard(follower)
            if not others:
                self._followers.pop(follower.subject, None)

    async def _news_for(
        self, follower: _Follower, after: int, execution_id: int | None, user: str | None
    ) -> list[EventRecord]:
        """What it was told, or what the database has, if it is behind; nothing while that is away.

        It stays behind then, and may be roused meanwhile.
        """
        if not follower.behind:
            return follower.take()
        follower.behind = False  # what is told from now on is kept
        try:
            events = await asyncio.to_thread(
                read_events,
                self._database,
                after=after,
                execution_id=execution_id,
                user=user,
                limit=PAGE,
            )
        except DatabaseAway:
            follower.behind = True
            return []
        follower.behind = follower.behind or len(events) == PAGE
        return events

    async def _read(self) -> None:
        while True:
            try:
                if self.newest is None:
                    self.newest = await asyncio.to_thread(newest_event, self._database)
                    # Who came before this may have looked before the newest of them was there.
                    for follower in chain.from_iterable(self._followers.values()):
                        follower.fall_behind()
                else:
                    self.newest = await self._tell(self.newest)
            except DatabaseAway as error:
                log.warning("The database is away, trying again: %s", error)
            # Not wait_for: in Python 3.11 it swallows a cancellation that comes with the bell.
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._heard.wait()
            self._heard.clear()

    async def _tell(self, after: int) -> int:
        """Tell the followers of all events after ``after``; returns the newest id."""
        events = await asyncio.to_thread(read_events, self._database, after=after, limit=PAGE)
        if not events:
            return after
        execution_ids = {event.execution_id for event in events}
        owners = await asyncio.to_thread(owners_of, self._database, execution_ids)
        for event in events:
            # An execution that was purged meanwhile has no owner any more.
            for subject in {event.execution_id, owners.get(event.execution_id), None}:
                for follower in self._followers.get(subject, ()):
                    follower.tell(event)
        if len(events) == PAGE:
            self._heard.set()
        return events[-1].id
