"""Streams of events over REST: of one execution, or of all that a person has."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from zoe_core.cluster import FINAL
from zoe_core.protocol.rest import Event, Execution, Place
from zoe_core.protocol.rest_use import FollowQuery
from zoe_hub.portal.api.addresses import EVERYBODY, ExecutionPath, OwnerQuery, ResumeHeaders
from zoe_hub.portal.api.executions import owner
from zoe_hub.portal.api.use import beside
from zoe_hub.portal.context import PortalContext
from zoe_hub.portal.operations import EVENT_STREAM, operation
from zoe_hub.portal.sse import StreamHandler, frame, with_ticks
from zoe_hub.views import WAITING
from zoe_store import events
from zoe_store.database import DatabaseAway
from zoe_store.events import EventRecord
from zoe_store.executions import ExecutionRecord

T = TypeVar("T")

LOOK_AGAIN = 2.0
"""Seconds after which the reasons of a waiting execution are asked for again."""

TRY_AGAIN = 1.0
"""Seconds between two tries to reach the database: streams stay open while it is away."""

_FORMAT = """
Each event has its kind as `event:`, its id as `id:` and the Event as JSON `data:`. With it, and
with what comes together with it, comes `event: execution` with the whole Execution as it is now
(without an id), also when only the reasons for waiting have changed. `event: scheduler` with the
Scheduler (without an id) tells when it goes away or comes back, and at the beginning when it is
away.
"""


class ExecutionEvents(StreamHandler):
    """``/executions/{execution_id}/events``."""

    @operation(
        "followExecution",
        "Follow an execution",
        tag="events",
        path=ExecutionPath,
        query=FollowQuery,
        headers=ResumeHeaders,
        media=EVENT_STREAM,
        answers={
            200: "Server-sent events." + _FORMAT + "With `use=true`, `event: use` (without an id) "
            "tells every few seconds what the instances that run use, as UseNow. "
            "`event: end` follows when it has ended.",
            204: "It has ended and the reader has seen everything: there is no need to come back.",
        },
    )
    async def get(self, path: ExecutionPath, query: FollowQuery, headers: ResumeHeaders) -> None:
        """Follow an execution from its first event, or from the one after `Last-Event-ID`."""
        record = await self.find_execution(path.execution_id)
        after = headers.last_event_id or 0
        if after and record.final and not await _events_after(self.context, record.id, after):
            self.set_status(204)
            return
        told = follow_one(self.context, record, after)
        if query.use:
            told = beside(told, self.context.link, record.id)
        await self.stream_events(told)


class Events(StreamHandler):
    """``/events``."""

    @operation(
        "followAll",
        "Follow all of one's executions",
        tag="events",
        query=OwnerQuery,
        headers=ResumeHeaders,
        media=EVENT_STREAM,
        answers={
            200: "Server-sent events, for ever." + _FORMAT + "The first is `event: connected`; its "
            "id is the place from which the stream can be resumed."
        },
    )
    async def get(self, query: OwnerQuery, headers: ResumeHeaders) -> None:
        """Follow what happens to your executions from now on, or after `Last-Event-ID`."""
        user = owner(self.visitor, query.user)
        self.shown_of = user or EVERYBODY
        after = headers.last_event_id
        if after is None:
            after = await self.context.run(events.newest_event, self.context.database)
        await self.stream_events(follow_all(self.context, user, after))


async def follow_one(
    context: PortalContext, record: ExecutionRecord, after: int
) -> AsyncGenerator[str, None]:
    """The stream of one execution, until it has ended and all was told."""
    shown = await _patiently(lambda: context.views.execution(record))
    yield frame("execution", shown)
    presence = _Presence(context)
    feed = context.feed.follow_batches(after=after, execution_id=record.id)
    async with contextlib.aclosing(with_ticks(feed, LOOK_AGAIN)) as told:
        while not (shown.status in FINAL and not await _more_after(context, shown.id, after)):
            batch = await anext(told) or ()
            if news := presence.news() + _event_frames(batch):
                yield news
            if batch:
                after = batch[-1].id
            elif shown.status not in WAITING:
                continue
            seen = await _patiently(lambda: _current(context, shown))  # noqa: B023 -- awaited here
            if _worth_telling(seen) != _worth_telling(shown):
                yield frame("execution", seen)
            shown = seen
    yield frame("end", Place(event_id=after))


async def follow_all(
    context: PortalContext, user: str | None, after: int
) -> AsyncGenerator[str, None]:
    """The stream of all executions of a user, or of everybody."""
    yield frame("connected", Place(event_id=after), after)
    presence = _Presence(context)
    feed = context.feed.follow_batches(after=after, user=user)
    async with contextlib.aclosing(feed) as batches:
        async for batch in batches:
            if news := presence.news():
                yield news
            if batch:
                yield await _documents_of(context, batch) + _event_frames(batch)


async def _documents_of(context: PortalContext, batch: Sequence[EventRecord]) -> str:
    """Frames of all executions that these events are of.

    They go out before the events: who has seen an event's id, and comes back after it, has them.
    """
    ids = dict.fromkeys(event.execution_id for event in batch)
    asked = (_patiently(partial(context.newest.get, each)) for each in ids)
    found = await asyncio.gather(*asked)
    return "".join(frame("execution", shown) for shown in found if shown is not None)


class _Presence:
    """What one reader was told of the scheduler: at first she takes it for granted."""

    def __init__(self, context: PortalContext) -> None:
        self._presence = context.presence
        self._told = "running"

    def news(self) -> str:
        """A frame when she was told something else; else nothing."""
        scheduler = self._presence.latest
        if scheduler is None or scheduler.status == self._told:
            return ""
        self._told = scheduler.status
        return frame("scheduler", scheduler)


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer, once the database is there to give it."""
    while True:
        try:
            return await ask()
        except DatabaseAway:
            await asyncio.sleep(TRY_AGAIN)


async def _current(context: PortalContext, shown: Execution) -> Execution:
    return await context.newest.get(shown.id) or shown


def _worth_telling(execution: Execution) -> Execution:
    """Without the seconds to the expected start, which are fewer each time; words change rarely."""
    waiting = execution.waiting
    if waiting is None or waiting.expected is None:
        return execution
    still = waiting.expected.model_copy(update={"low_s": None, "mid_s": None, "high_s": None})
    waiting = waiting.model_copy(update={"expected": still})
    return execution.model_copy(update={"waiting": waiting})


async def _more_after(context: PortalContext, execution_id: int, after: int) -> bool:
    return await _patiently(lambda: _events_after(context, execution_id, after))


async def _events_after(context: PortalContext, execution_id: int, after: int) -> bool:
    found = await context.run(
        events.read_events, context.database, after=after, execution_id=execution_id, limit=1
    )
    return bool(found)


def _event_frames(events: Iterable[EventRecord]) -> str:
    return "".join(map(_event_frame, events))


def _event_frame(event: EventRecord) -> str:
    document = Event(
        id=event.id,
        execution_id=event.execution_id,
        at=event.at,
        kind=event.kind,
        data=event.data,
    )
    return frame(event.kind, document, event.id)
