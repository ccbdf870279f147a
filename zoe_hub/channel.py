"""Requests to the master over one DEALER: matched by id, with a deadline, and never too many.

All requests are reads or hints (``zoe_core.protocol``): one that is lost is asked again, one that
comes twice is answered twice, and an answer that nobody waits for any more is dropped here.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from contextlib import suppress

import zmq
import zmq.asyncio

from zoe_core.protocol import Envelope, MalformedEnvelope, Ping, WrongVersion
from zoe_core.protocol.messages import Message

log = logging.getLogger(__name__)


class MasterAway(Exception):
    """The master does not answer; the message is for people."""


class NoAnswer(MasterAway):
    """It has not answered in time, or its connection takes nothing more."""


class NotAnswered(MasterAway):
    """What came is no answer: the master's reason not to give one, or nothing that can be read."""


class Channel:
    """At most ``at_once`` requests are under way; ``sign`` is told of all that the master says.

    ``unanswered`` counts the pings since the master last said anything here; a new connection,
    which may be refused, begins with one.
    """

    def __init__(self, at_once: int, sign: Callable[[Envelope | WrongVersion], None]) -> None:
        self._at_once = at_once
        self._sign = sign
        self._socket: zmq.asyncio.Socket | None = None
        self._reader: asyncio.Task[None] | None = None
        self._open: dict[str, asyncio.Future[Envelope]] = {}
        self.unanswered = 0

    def connect(self, socket: zmq.asyncio.Socket, reason: str) -> None:
        """From now on use this socket; for that ``reason`` requests under way on the last fail."""
        self.close(reason)
        self.unanswered = 1
        self._socket = socket
        self._reader = asyncio.create_task(self._read(socket))

    async def ask(self, message: Message, deadline: float) -> Envelope:
        """The answer, within ``deadline`` seconds. Raises MasterAway."""
        if self._socket is None:
            raise MasterAway("the scheduler has not been found yet")
        if len(self._open) >= self._at_once:
            raise MasterAway("too many requests wait for the scheduler: try again in a moment")
        message_id = uuid.uuid4().hex
        answer: asyncio.Future[Envelope] = asyncio.get_running_loop().create_future()
        self._open[message_id] = answer
        try:
            await self._send(self._socket, message.envelope(message_id))
            async with asyncio.timeout(deadline):
                return await answer
        except TimeoutError:
            raise NoAnswer("the scheduler does not answer") from None
        finally:
            del self._open[message_id]

    async def ping(self) -> None:
        """Ask for a sign of life; there is always room for that."""
        if self._socket is None:
            return
        self.unanswered += 1
        with suppress(MasterAway):
            await self._send(self._socket, Ping().envelope("ping"))

    async def _send(self, socket: zmq.asyncio.Socket, envelope: Envelope) -> None:
        try:
            await socket.send_multipart(envelope.frames(), flags=zmq.DONTWAIT)
        except zmq.Again:
            # Either too much waits, or ZeroMQ has dropped a connection that was refused.
            raise NoAnswer("the scheduler takes no more requests just now") from None

    async def _read(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            frames = await socket.recv_multipart()
            self.unanswered = 0
            try:
                envelope = Envelope.parse(frames)
            except WrongVersion as error:
                self._sign(error)
                self._fail(error.id, of_another_version(error))
            except MalformedEnvelope as error:
                log.error("An answer of the master cannot be read: %s", error)
            else:
                self._sign(envelope)
                answer = self._open.get(envelope.id)
                if answer is not None and not answer.done():
                    answer.set_result(envelope)

    def give_up(self, reason: str) -> None:
        """Fail all requests under way."""
        for message_id in list(self._open):
            self._fail(message_id, reason)

    def _fail(self, message_id: str, reason: str) -> None:
        answer = self._open.get(message_id)
        if answer is not None and not answer.done():
            answer.set_exception(MasterAway(reason))

    def close(self, reason: str) -> None:
        """Close the socket; requests under way fail."""
        self.give_up(reason)
        if self._reader is not None:
            self._reader.cancel()
        if self._socket is not None:
            self._socket.close()
        self._reader = self._socket = None


def of_another_version(error: WrongVersion) -> str:
    """What people are told when hub and master are not of one version."""
    return f"the scheduler cannot be understood: {error}"
