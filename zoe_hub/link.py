"""The hub's side of the wire: what may be asked of the master, and its news."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from zoe_core.explanation import Explanation
from zoe_core.protocol import (
    ESTIMATE_WITHIN,
    EXAMINE_WITHIN,
    Envelope,
    Estimate,
    Estimated,
    EstimateReply,
    Examine,
    Examined,
    Explain,
    Failure,
    Figures,
    FiguresReply,
    LogChunk,
    NodesUse,
    NodesUseReply,
    NodeUse,
    Queue,
    QueueEntry,
    QueueReply,
    ReadLog,
    Use,
    UseReply,
    Wake,
)
from zoe_core.protocol.messages import Message
from zoe_hub.channel import MasterAway, NotAnswered
from zoe_hub.contact import Contact
from zoe_store.database import Database, DatabaseAway
from zoe_store.keys import KeyRing

__all__ = ["MasterAway", "MasterLink", "NotAnswered"]

DEADLINE = 2.0
"""Seconds within which the master answers what it can answer at once."""

_Reply = TypeVar("_Reply", bound=Message)


class MasterLink:
    """Used on one event loop only. Making it raises KeysRefused when there can be no keys.

    Every question may raise MasterAway: at once when the master is known to be away, else when it
    has not answered in time; NotAnswered, a kind of it, when the master refuses. It raises
    DatabaseAway when nobody knows where the master is.
    """

    def __init__(self, database: Database, keys: Path) -> None:
        ring = KeyRing(keys)
        ring.ensure()
        self._contact = Contact(database, ring)
        self._waking: asyncio.Task[None] | None = None
        self._unheard = False

    async def wake(self) -> None:
        """Hint at news in the database. Returns at once; it is no loss when nobody hears it."""
        if not self._contact.there.is_set():
            return  # whoever comes back looks by itself
        self._unheard = True
        if self._waking is None or self._waking.done():
            self._waking = asyncio.create_task(self._wake())

    async def _wake(self) -> None:
        """One hint at a time: each is for all that was stored before it."""
        while self._unheard:
            self._unheard = False
            with suppress(MasterAway, DatabaseAway):
                await self._contact.ask(self._contact.requests, Wake(), DEADLINE)

    async def explain(self, execution_id: int) -> Explanation | None:
        """Why an execution waits; None when it does not."""
        entry = (await self.explain_all([execution_id])).get(execution_id)
        return None if entry is None else entry.explanation

    async def explain_all(self, execution_ids: Sequence[int]) -> dict[int, QueueEntry]:
        """Why they wait and until when, by execution; those that do not are missing."""
        envelope = await self._ask(Explain(execution_ids=tuple(execution_ids)))
        return {each.execution_id: each for each in _read(envelope, QueueReply).entries}

    async def queue(self) -> QueueReply:
        """What waits, in the order of the decision, and how good predictions were."""
        return _read(await self._ask(Queue()), QueueReply)

    async def estimate(self, wanted: Estimate) -> tuple[Estimated, ...]:
        """When each of the descriptions would start, in their order."""
        deadline = ESTIMATE_WITHIN + DEADLINE
        envelope = await self._contact.ask(self._contact.requests, wanted, deadline)
        return _read(envelope, EstimateReply).estimates

    async def examine(self) -> Examined:
        """What there is on the nodes that an administrator should know of."""
        deadline = EXAMINE_WITHIN + DEADLINE
        envelope = await self._contact.ask(self._contact.requests, Examine(), deadline)
        return _read(envelope, Examined)

    async def use(self, execution_id: int, *, newest: bool = False) -> UseReply:
        """What the instances of an execution use and have used; ``newest``: use, if they run."""
        return _read(await self._ask(Use(execution_id=execution_id, newest=newest)), UseReply)

    async def nodes_use(self) -> tuple[NodeUse, ...]:
        """What instances use on the nodes that are online; without those of which it is unknown."""
        return _read(await self._ask(NodesUse()), NodesUseReply).items

    async def figures(self) -> bytes:
        """What the master has counted, in the text format of Prometheus."""
        envelope = await self._ask(Figures())
        _read(envelope, FiguresReply)
        return envelope.blob

    async def read_log(self, wanted: ReadLog) -> tuple[LogChunk, bytes]:
        """Bytes of a log; see ``ReadLog`` for the waiting."""
        envelope = await self._contact.ask(self._contact.logs, wanted, DEADLINE + wanted.wait)
        return _read(envelope, LogChunk), envelope.blob

    async def recovered(self) -> None:
        """Return when the master is not known to be away."""
        self._contact.start()
        await self._contact.there.wait()

    def ring(self, bell: asyncio.Event) -> None:
        """Set ``bell`` from now on whenever the master tells of a new event.

        Such news may be lost, so this is a bell and not the record.
        """
        self._contact.start()
        self._contact.ring(bell)

    async def close(self) -> None:
        """Close the sockets; requests under way fail."""
        if self._waking is not None:
            self._waking.cancel()
            await asyncio.gather(self._waking, return_exceptions=True)
        await self._contact.close()

    async def _ask(self, message: Message) -> Envelope:
        return await self._contact.ask(self._contact.requests, message, DEADLINE)


def _read(envelope: Envelope, kind: type[_Reply]) -> _Reply:
    try:
        if envelope.kind == Failure.__name__:
            raise NotAnswered(Failure.model_validate_json(envelope.body).reason)
        return kind.model_validate_json(envelope.body)
    except ValidationError as error:
        raise NotAnswered("the scheduler's answer cannot be read") from error
