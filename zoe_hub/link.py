"""The hub's side of the wire: requests to the master with a deadline, and its news.

Where the master listens stands in the database; it is looked up again whenever the master does not
answer, because one that was started anew has other ports.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import zmq
import zmq.asyncio
from pydantic import ValidationError

from zoe_core.protocol import (
    Envelope,
    Explain,
    Failure,
    LogChunk,
    MalformedEnvelope,
    Queue,
    QueueEntry,
    QueueReply,
    ReadLog,
    Wake,
    WrongVersion,
)
from zoe_core.protocol.messages import Message
from zoe_core.scheduling import Explanation
from zoe_store.cluster import MasterRecord, master_record
from zoe_store.database import Database, DatabaseAway
from zoe_store.keys import HUB, MASTER, KeyRing

DEADLINE = 2.0
"""Seconds within which the master answers what it can answer at once."""

log = logging.getLogger(__name__)
_Reply = TypeVar("_Reply", bound=Message)


class MasterAway(Exception):
    """The master does not answer; the message is for people."""


class MasterLink:
    """A DEALER for requests and a SUB for news. Used on one event loop only."""

    def __init__(self, database: Database, keys: Path) -> None:
        self._database = database
        self._keys = KeyRing(keys)
        self._context = zmq.asyncio.Context()
        self._dealer: zmq.asyncio.Socket | None = None
        self._commands_url = ""
        self._in_doubt = False
        self._reader: asyncio.Task[None] | None = None
        self._open: dict[str, asyncio.Future[Envelope]] = {}
        self._connecting = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()

    # --- requests ---

    async def wake(self) -> None:
        """Hint at news in the database. Returns at once; it is no loss when nobody hears it."""
        task = asyncio.create_task(self._wake())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _wake(self) -> None:
        with suppress(MasterAway, DatabaseAway):
            await self._ask(Wake())

    async def explain(self, execution_id: int) -> Explanation | None:
        """Why an execution waits; None when it does not. Raises MasterAway."""
        return (await self.explain_all([execution_id])).get(execution_id)

    async def explain_all(self, execution_ids: Sequence[int]) -> dict[int, Explanation]:
        """Why they wait, by execution; those that do not are missing. Raises MasterAway."""
        envelope = await self._ask(Explain(execution_ids=tuple(execution_ids)))
        entries = _read(envelope, QueueReply).entries
        return {entry.execution_id: entry.explanation for entry in entries}

    async def queue(self) -> list[QueueEntry]:
        """What waits, in the order of the decision. Raises MasterAway."""
        return list(_read(await self._ask(Queue()), QueueReply).entries)

    async def read_log(self, wanted: ReadLog) -> tuple[LogChunk, bytes]:
        """Bytes of a log; see ``ReadLog`` for the waiting. Raises MasterAway."""
        envelope = await self._ask(wanted, DEADLINE + wanted.wait)
        return _read(envelope, LogChunk), envelope.blob

    async def _ask(self, message: Message, deadline: float = DEADLINE) -> Envelope:
        dealer = await self._connected()
        message_id = uuid.uuid4().hex
        answer: asyncio.Future[Envelope] = asyncio.get_running_loop().create_future()
        self._open[message_id] = answer
        try:
            async with asyncio.timeout(deadline):
                await dealer.send_multipart(message.envelope(message_id).frames())
                return await answer
        except TimeoutError:
            # It may have been started anew elsewhere: look it up before the next request.
            self._in_doubt = True
            raise MasterAway("the scheduler does not answer") from None
        finally:
            del self._open[message_id]

    # --- connection ---

    async def _connected(self) -> zmq.asyncio.Socket:
        async with self._connecting:
            if self._dealer is not None and not self._in_doubt:
                return self._dealer
            record = await asyncio.to_thread(master_record, self._database)
            if record.commands_url is None:
                raise MasterAway("the scheduler has not been started yet")
            self._in_doubt = False
            if self._dealer is not None:
                if record.commands_url == self._commands_url:
                    return self._dealer
                self._dealer.close()
            if self._reader is not None:
                self._reader.cancel()
            self._dealer = self._socket(zmq.DEALER, record.commands_url)
            self._commands_url = record.commands_url
            self._reader = asyncio.create_task(self._read_answers(self._dealer))
            return self._dealer

    def _socket(self, kind: int, url: str) -> zmq.asyncio.Socket:
        self._keys.ensure()
        pair = self._keys.pair(HUB)
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.curve_publickey = pair.public
        socket.curve_secretkey = pair.secret
        socket.curve_serverkey = self._keys.public(MASTER)
        socket.connect(url)
        return socket

    async def _read_answers(self, dealer: zmq.asyncio.Socket) -> None:
        while True:
            frames = await dealer.recv_multipart()
            try:
                envelope = Envelope.parse(frames)
            except (MalformedEnvelope, WrongVersion) as error:
                log.error("An answer of the master cannot be read: %s", error)
                continue
            answer = self._open.get(envelope.id)
            if answer is not None and not answer.done():
                answer.set_result(envelope)

    # --- news ---

    async def newest_events(self, heard: asyncio.Event) -> None:
        """Set ``heard`` whenever the master publishes a new event; runs until it is cancelled.

        News may be lost, so this is a bell and not the record.
        """
        while True:
            record = await self._look_up()
            if record is None or record.events_url is None:
                await asyncio.sleep(DEADLINE)
                continue
            self._in_doubt = True  # requests may have to go elsewhere as well
            socket = self._socket(zmq.SUB, record.events_url)
            socket.subscribe(b"")
            try:
                await self._listen(socket, record, heard)
            finally:
                socket.close()

    async def _listen(
        self, socket: zmq.asyncio.Socket, record: MasterRecord, heard: asyncio.Event
    ) -> None:
        """Until another master has taken over."""
        while True:
            if await socket.poll(int(DEADLINE * 1000)):
                # What it says is read from the database; here it only matters that it speaks.
                await socket.recv_multipart()
                heard.set()
                continue
            now = await self._look_up()
            if now is not None and now.epoch != record.epoch:
                return

    async def _look_up(self) -> MasterRecord | None:
        try:
            return await asyncio.to_thread(master_record, self._database)
        except DatabaseAway:
            return None

    async def close(self) -> None:
        """Close the sockets; requests under way fail."""
        tasks = [each for each in (self._reader, *self._background) if each is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._context.destroy(linger=0)


def _read(envelope: Envelope, kind: type[_Reply]) -> _Reply:
    if envelope.kind == Failure.__name__:
        raise MasterAway(Failure.model_validate_json(envelope.body).reason)
    try:
        return kind.model_validate_json(envelope.body)
    except ValidationError as error:
        raise MasterAway("the scheduler's answer cannot be read") from error
