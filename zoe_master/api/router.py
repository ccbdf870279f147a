"""Answers the requests on one socket, each in a task of its own: a slow one delays nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import zmq.asyncio

from zoe_core.protocol import (
    Envelope,
    Failure,
    MalformedEnvelope,
    Request,
    WrongVersion,
    id_of,
    parse_request,
)
from zoe_core.protocol.messages import Message
from zoe_master.backends.base import BackendError

Answer = Callable[[Request], Awaitable[tuple[Message, bytes]]]
"""From a request to the answer and its bytes; raises MalformedEnvelope for one it does not know."""

BUSY = Failure(reason="the scheduler answers too many requests just now: try again in a moment")


class Router:
    """Reads from a ROUTER socket until it is cancelled.

    At most ``at_once`` requests are under way; further ones are told so at once and wait nowhere. A
    request that comes twice is answered twice.
    """

    def __init__(
        self,
        socket: zmq.asyncio.Socket,
        answer: Answer,
        at_once: int,
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._socket = socket
        self._answer = answer
        self._at_once = at_once
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused: set[str] = set()

    async def run(self) -> None:
        """Serve; ends when cancelled."""
        try:
            while True:
                peer, *frames = await self._socket.recv_multipart()
                if len(self._tasks) >= self._at_once:
                    await self._send(peer, frames, BUSY)
                    continue
                task = asyncio.create_task(self._serve(peer, frames))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            for task in list(self._tasks):
                task.cancel()

    async def _serve(self, peer: bytes, frames: Sequence[bytes]) -> None:
        blob = b""
        reply: Message
        try:
            reply, blob = await self._answer(parse_request(Envelope.parse(frames)))
        except WrongVersion as error:
            reply = self._refuse(error)
        except (MalformedEnvelope, BackendError) as error:
            reply = Failure(reason=str(error))
        except Exception:  # noqa: BLE001 -- an edge: logged, the others go on
            self._log.exception("A request of the hub failed")
            reply = Failure(reason="the master could not answer; its log says why")
        await self._send(peer, frames, reply, blob)

    def _refuse(self, error: WrongVersion) -> Failure:
        """Its frames say which version this is: all versions understand that much."""
        if error.version not in self._refused:
            self._refused.add(error.version)
            self._log.error("Requests of a hub are refused: %s", error)
        return Failure(reason=str(error))

    async def _send(
        self, peer: bytes, request: Sequence[bytes], reply: Message, blob: bytes = b""
    ) -> None:
        # A ROUTER never blocks: what a peer that is gone or stuck cannot take is dropped.
        await self._socket.send_multipart([peer, *reply.envelope(id_of(request), blob).frames()])
