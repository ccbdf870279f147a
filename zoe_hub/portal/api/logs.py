"""The log of an instance over REST: plain text, streamed, resumable by byte offset."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from zoe_core.protocol import MAX_LOG_CHUNK, ReadLog
from zoe_core.zapp import Problem
from zoe_hub.link import MasterAway, NotAnswered
from zoe_hub.portal import sse
from zoe_hub.portal.api.addresses import InstancePath, LogQuery
from zoe_hub.portal.context import PortalContext
from zoe_hub.portal.operations import TEXT, operation
from zoe_hub.portal.sse import StreamHandler
from zoe_hub.refusal import Refused
from zoe_hub.views import ENDED, instance_status
from zoe_store import executions
from zoe_store.database import DatabaseAway
from zoe_store.executions import InstanceRecord

log = logging.getLogger(__name__)

FOLLOW_WAIT = 5.0
"""Seconds that the master may take to answer when there is nothing new yet."""

TRY_AGAIN = 1.0
"""Seconds between two questions when the first had no answer."""

REFUSALS = 10
"""In a row, after which a log that is followed is given up: the first ones may pass."""

TAIL_WINDOW = 16 * MAX_LOG_CHUNK
"""How far from its end, in bytes, a log is searched for its last lines."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of a log, the size of the whole log so far, and whether nothing comes after them."""

    data: bytes
    size: int
    finished: bool


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one attempt of one instance, read through the master."""

    context: PortalContext
    execution_id: int
    instance: InstanceRecord

    async def read(self, offset: int, wait: float = 0) -> Chunk:
        """Bytes from ``offset``; waits up to ``wait`` seconds for the first. Raises MasterAway."""
        wanted = ReadLog(
            execution_id=self.execution_id,
            service=self.instance.service,
            index=self.instance.index,
            attempt=self.instance.attempt,
            offset=offset,
            wait=wait,
        )
        found, data = await self.context.link.read_log(wanted)
        return Chunk(data, found.size, found.finished)

    async def follow(self, offset: int) -> Chunk:
        """The next bytes; waits for them as long as it takes, also for what is away meanwhile.

        Asked for only when there is room: a slow reader holds back its own log alone. A question
        that was lost is asked again at the same offset. The master calls a log finished too when
        it has not heard of the instance yet: the store knows better. Raises NotAnswered when the
        master refuses again and again.
        """
        refused = 0
        while True:
            try:
                chunk = await self.read(offset, FOLLOW_WAIT)
                if not chunk.finished or await self._has_ended():
                    return chunk
                if chunk.data:
                    return replace(chunk, finished=False)
                refused = 0
            except NotAnswered:
                refused += 1
                if refused == REFUSALS:
                    raise
            except MasterAway:
                await self.context.link.recovered()
            except DatabaseAway:
                log.warning("The log of execution %d waits for the database", self.execution_id)
            await asyncio.sleep(TRY_AGAIN)

    async def _has_ended(self) -> bool:
        found = await self.context.run(
            executions.instances_of, self.context.database, [self.execution_id]
        )
        newest = [each for each in found[self.execution_id] if each.name == self.instance.name]
        return all(
            each.attempt != self.instance.attempt or instance_status(each) in ENDED
            for each in newest
        )

    async def start_of_tail(self, lines: int) -> int:
        """The offset at which the last ``lines`` lines begin, within the window."""
        size = (await self.read(0)).size
        offset = max(0, size - TAIL_WINDOW)
        if lines == 0:
            return size
        window = bytearray()
        while offset + len(window) < size:
            chunk = await self.read(offset + len(window))
            if not chunk.data:
                break
            window += chunk.data
        return offset + _tail_index(bytes(window), lines)


class InstanceLog(StreamHandler):
    """``/executions/{execution_id}/instances/{instance}/logs``."""

    @operation(
        "readLog",
        "Read the log of an instance",
        tag="executions",
        path=InstancePath,
        query=LogQuery,
        media=TEXT,
        answers={200: "The text, from the byte that X-Log-Offset says."},
        answer_headers={
            "X-Log-Offset": "The offset of the first byte of this answer. Add the bytes received "
            "to resume after them.",
            "X-Log-Size": "How many bytes the log had when the answer began.",
            "X-Log-Attempt": "Whose log it is: each attempt of an instance has its own.",
        },
        errors=(416,),
    )
    async def get(self, path: InstancePath, query: LogQuery) -> None:
        """Read what an instance has written (standard output and error together), or follow it.
        An answer that is followed may be broken off: resume it at the next offset.
        """
        if query.offset is not None and query.tail is not None:
            problem = Problem("tail", "is given together with offset: give only one of them")
            raise Refused.because("The request is not right", [problem], status=400)
        record = await self.find_execution(path.execution_id)
        instance = await self._find_instance(record.id, path.instance)
        log = Log(self.context, record.id, instance)
        offset = query.offset or 0
        if query.tail is not None:
            offset = await log.start_of_tail(query.tail)
        first = await log.read(offset)
        if offset > first.size:
            raise _beyond(offset, first.size)
        self.set_header("Content-Type", TEXT)
        self.set_header("X-Accel-Buffering", "no")
        self.set_header("X-Log-Offset", str(offset))
        self.set_header("X-Log-Size", str(first.size))
        self.set_header("X-Log-Attempt", str(instance.attempt))
        # Whoever follows comes back with the next offset, and is identified anew.
        life = sse.MAX_STREAM if query.follow else None
        await self.stream(read_on(log, first, offset, follow=query.follow), life)

    async def _find_instance(self, execution_id: int, name: str) -> InstanceRecord:
        found = await self.context.run(
            executions.instances_of, self.context.database, [execution_id]
        )
        for instance in found[execution_id]:
            if instance.name == name:
                return instance
        known = ", ".join(each.name for each in found[execution_id]) or "none so far"
        raise Refused(
            404,
            "Not found",
            f"Execution {execution_id} has no instance {name!r}: there are {known}.",
            field="instance",
        )


async def read_on(
    log: Log, chunk: Chunk, offset: int, *, follow: bool
) -> AsyncGenerator[bytes, None]:
    """The bytes from ``chunk`` on: to the end of what there is, or of the instance."""
    yield chunk.data  # also when empty: the reader sees the headers at once
    offset += len(chunk.data)
    while follow or offset < chunk.size:
        chunk = await (log.follow(offset) if follow else log.read(offset))
        if not chunk.data and not follow:
            return
        yield chunk.data
        offset += len(chunk.data)
        if chunk.finished:
            return


def _tail_index(text: bytes, lines: int) -> int:
    """Where the last ``lines`` lines of ``text`` begin; a last line may lack its newline."""
    index = len(text.removesuffix(b"\n"))
    for _ in range(lines):
        index = text.rfind(b"\n", 0, index)
        if index < 0:
            return 0
    return index + 1


def _beyond(offset: int, size: int) -> Refused:
    return Refused(
        416,
        "Beyond the end",
        f"offset: is {offset}: the log has {size} bytes so far",
        field="offset",
    )
