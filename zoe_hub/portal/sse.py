"""Server-sent events: the frames, and handlers that stream until the reader leaves.

Format: the HTML Living Standard, section "Server-sent events".
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from pydantic import BaseModel
from tornado.iostream import StreamClosedError

from zoe_hub.portal.auth import ApiHandler
from zoe_hub.portal.reviews import until_revoked

log = logging.getLogger(__name__)
T = TypeVar("T")

KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment is sent, so that no proxy thinks the stream is dead."""

MAX_STREAM = 3600.0
"""Seconds after which a stream ends: readers come back by themselves and are identified anew."""


def frame(event: str, data: BaseModel, event_id: int | None = None) -> str:
    """One event. Without an id the reader's place in the stream stays as it is."""
    place = f"id: {event_id}\n" if event_id is not None else ""
    return f"{place}event: {event}\ndata: {data.model_dump_json()}\n\n"


async def with_ticks(source: AsyncIterator[T], every: float) -> AsyncGenerator[T | None, None]:
    """Yield what ``source`` yields, and None after each ``every`` seconds without anything."""
    upcoming = asyncio.ensure_future(anext(source))
    try:
        while True:
            done, _ = await asyncio.wait({upcoming}, timeout=every)
            if not done:
                yield None
                continue
            try:
                item = upcoming.result()
            except StopAsyncIteration:
                return
            upcoming = asyncio.ensure_future(anext(source))
            yield item
    finally:
        upcoming.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await upcoming


class StreamHandler(ApiHandler):
    """A handler whose answer grows: it ends when the reader leaves or the source does."""

    _streaming: asyncio.Task[None] | None = None

    async def stream(
        self, source: AsyncGenerator[str | bytes, None], life: float | None = None
    ) -> None:
        """Send what ``source`` yields, at once; break off after ``life`` seconds.

        And as soon as the visitor may not see it any more.

        It never ends in order before the source does: that would look like the end of the source.
        """
        # A task of its own, so that it can be cancelled while the source waits.
        self._streaming = asyncio.ensure_future(self._send(source, life))
        self._streaming.add_done_callback(self.context.metrics.open_stream(self))
        revoked = asyncio.ensure_future(until_revoked(self, self.context.reviews))
        try:
            await asyncio.wait({self._streaming, revoked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            revoked.cancel()
        if not self._streaming.done():
            self._streaming.cancel()
            await asyncio.wait({self._streaming})
            self.request.connection.close()  # type: ignore[union-attr]
        if not self._streaming.cancelled():
            self._streaming.result()

    async def stream_events(self, source: AsyncGenerator[str, None]) -> None:
        """Send events, and comments while there are none."""
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        await self.stream(_kept_alive(source))

    async def _send(self, source: AsyncGenerator[str | bytes, None], life: float | None) -> None:
        try:
            async with asyncio.timeout(life) as limit, contextlib.aclosing(source) as chunks:
                async for chunk in chunks:
                    self.write(chunk)
                    await self.flush()
        except StreamClosedError:
            pass  # the reader has left
        except Exception:
            if not self._headers_written:
                raise
            # Too late for a problem document.
            if not limit.expired():
                log.exception("%s was cut off", self.request.path)
            self.request.connection.close()  # type: ignore[union-attr]

    def on_connection_close(self) -> None:
        """The reader has left."""
        if self._streaming is not None:
            self._streaming.cancel()


async def _kept_alive(source: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """End at the limit, and fill silence with comments."""
    yield ": welcome\n\n"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MAX_STREAM):
            async with contextlib.aclosing(with_ticks(source, KEEP_ALIVE)) as chunks:
                async for chunk in chunks:
                    yield ": still here\n\n" if chunk is None else chunk
