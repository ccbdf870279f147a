"""What the instances of an execution use, as it is measured: over their lives, and as it goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from zoe_core import protocol
from zoe_core.amount import Amount
from zoe_core.protocol.rest import Resources
from zoe_core.protocol.rest_use import (
    ExecutionUse,
    InstanceUse,
    InstanceUseNow,
    UseNow,
    UseSample,
)
from zoe_hub.link import MasterAway, MasterLink
from zoe_hub.portal.api.addresses import ExecutionPath
from zoe_hub.portal.auth import ApiHandler
from zoe_hub.portal.operations import operation
from zoe_hub.portal.sse import frame
from zoe_store.database import DatabaseAway

TOLD_EVERY = 5.0
"""Seconds between two ``event: use``; the master measures as often while somebody asks."""


class ShowUse(ApiHandler):
    """``/executions/{execution_id}/use``."""

    @operation(
        "showUse",
        "Show what an execution uses",
        tag="executions",
        path=ExecutionPath,
        response=ExecutionUse,
        answers={200: "Memory and cores of its instances over their lives, as measured."},
    )
    async def get(self, path: ExecutionPath) -> ExecutionUse:
        """Show what the instances have used so far, beside what they have reserved. Only the
        scheduler knows: while it is away the answer is 503.
        """
        record = await self.find_execution(path.execution_id)
        if record.final:
            return ExecutionUse(items=())
        return use_document(await self.context.link.use(record.id))


def use_document(measured: protocol.UseReply) -> ExecutionUse:
    """The document of an answer that has all samples."""
    return ExecutionUse(items=tuple(map(_instance, measured.items)))


def _instance(measured: protocol.InstanceUse) -> InstanceUse:
    columns = zip(measured.at, measured.memory, measured.cores, strict=True)
    return InstanceUse(
        instance=measured.instance,
        attempt=measured.attempt,
        reserved=Resources.of(measured.reserved or Amount()),
        memory_limit=measured.memory_limit,
        samples=tuple(
            UseSample(at=datetime.fromtimestamp(at, UTC), memory=memory, cores=cores)
            for at, memory, cores in columns
        ),
    )


async def beside(
    told: AsyncGenerator[str, None], link: MasterLink, execution_id: int
) -> AsyncGenerator[str, None]:
    """What ``told`` yields, until it ends, and every few seconds a frame of what is used."""
    upcoming = {
        asyncio.ensure_future(anext(each)): each for each in (told, _use(link, execution_id))
    }
    try:
        while True:
            done, _ = await asyncio.wait(upcoming, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                source = upcoming.pop(each)
                try:
                    item = each.result()
                except StopAsyncIteration:
                    return  # the other goes on for ever
                upcoming[asyncio.ensure_future(anext(source))] = source
                yield item
    finally:
        for task, source in upcoming.items():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await task
            await source.aclose()


async def _use(link: MasterLink, execution_id: int) -> AsyncGenerator[str, None]:
    """Silent while nothing runs, and while the scheduler is away."""
    while True:
        with contextlib.suppress(MasterAway, DatabaseAway):
            measured = (await link.use(execution_id, newest=True)).items
            if measured:
                yield frame("use", _now(measured))
        await asyncio.sleep(TOLD_EVERY)


def _now(measured: tuple[protocol.InstanceUse, ...]) -> UseNow:
    return UseNow(
        at=datetime.fromtimestamp(max(each.at[-1] for each in measured), UTC),
        items=tuple(
            InstanceUseNow(
                instance=each.instance,
                attempt=each.attempt,
                memory=each.memory[-1],
                cores=each.cores[-1],
            )
            for each in measured
        ),
    )
