"""Answers ``ReadLog``, with threads of its own; who waits for new lines costs next to nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from zoe_core.cluster import InstanceId, Snapshot
from zoe_core.protocol import LogChunk, MalformedEnvelope, ReadLog, Request
from zoe_core.protocol.messages import Message
from zoe_master.backends.base import BackendError
from zoe_master.engine.logs import LogKeeper

LOOK_EVERY = 0.1
"""Seconds between looks for new bytes while anybody waits for some."""

THREADS = 4
"""Logs read at the same time. Nobody else's work queues behind them."""

_Place = tuple[InstanceId, int]
"""Whose log, and the byte from which on news are awaited."""


class LogReader:
    """Reads for whoever asks. One look, in one thread, is for all who wait, however many."""

    def __init__(self, logs: LogKeeper, snapshot: Callable[[], Snapshot]) -> None:
        self._logs = logs
        self._snapshot = snapshot
        self._waiting: defaultdict[_Place, set[asyncio.Event]] = defaultdict(set)
        self._anybody = asyncio.Event()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="logs")

    async def answer(self, request: Request) -> tuple[Message, bytes]:
        """A chunk and its bytes. Raises MalformedEnvelope; BackendError and OSError of a log."""
        if not isinstance(request, ReadLog):
            raise MalformedEnvelope("this socket is for logs: it answers ReadLog alone")
        chunk, data = await self._read(request)
        if request.wait and not data and not chunk.finished:
            await self._news_of((_instance(request), request.offset), request.wait)
            chunk, data = await self._read(request)
        return chunk, data

    async def run(self) -> None:
        """Look for those who wait; ends when cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._anybody.wait()
                places = list(self._waiting)
                grown = await loop.run_in_executor(self._threads, self._grown, places)
                for place in places:
                    if place in grown or self._has_ended(place[0]):
                        self._ring(place)
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self._threads.shutdown(wait=False)

    async def _news_of(self, place: _Place, timeout: float) -> None:
        """Return when there may be something at this place, at the latest after ``timeout``."""
        bell = asyncio.Event()
        self._waiting[place].add(bell)
        self._anybody.set()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await bell.wait()
        finally:
            self._waiting[place].discard(bell)
            if not self._waiting[place]:
                del self._waiting[place]
            if not self._waiting:
                self._anybody.clear()

    def _ring(self, place: _Place) -> None:
        for bell in self._waiting.get(place, ()):
            bell.set()

    def _grown(self, places: Iterable[_Place]) -> set[_Place]:
        return {place for place in places if self._has_more(*place)}

    def _has_more(self, instance: InstanceId, offset: int) -> bool:
        try:
            # Not the size: not every back-end knows it.
            return bool(self._logs.read(instance, offset, 1))
        except (BackendError, OSError):
            return True  # whoever waits is to meet the error

    async def _read(self, wanted: ReadLog) -> tuple[LogChunk, bytes]:
        instance = _instance(wanted)
        ended = self._has_ended(instance)  # before the bytes are read: then they are all
        loop = asyncio.get_running_loop()
        data, size = await loop.run_in_executor(self._threads, self._piece, instance, wanted)
        finished = ended and wanted.offset + len(data) >= size
        return LogChunk(offset=wanted.offset, size=size, finished=finished), data

    def _piece(self, instance: InstanceId, wanted: ReadLog) -> tuple[bytes, int]:
        data = self._logs.read(instance, wanted.offset, wanted.limit)
        return data, self._logs.size(instance)

    def _has_ended(self, instance: InstanceId) -> bool:
        snapshot = self._snapshot()
        if instance.execution_id not in snapshot.executions:
            return True
        view = snapshot.instances[instance.execution_id].get(instance)
        return view is not None and view.gone


def _instance(wanted: ReadLog) -> InstanceId:
    return InstanceId(wanted.execution_id, wanted.service, wanted.index, wanted.attempt)
