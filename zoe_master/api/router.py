"""Answers the hub's requests; each in a task of its own, so that a slow one delays nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import zmq.asyncio

from zoe_core.cluster import InstanceId, Snapshot
from zoe_core.protocol import (
    Envelope,
    Explain,
    Failure,
    LogChunk,
    MalformedEnvelope,
    Ping,
    Pong,
    Queue,
    QueueEntry,
    QueueReply,
    ReadLog,
    Wake,
    WrongVersion,
    parse_request,
)
from zoe_core.protocol.messages import Message
from zoe_core.scheduling import Plan, explain
from zoe_master.backends.base import BackendError
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.logs import LogKeeper

AT_ONCE = 2000
"""Requests under way, most of them waiting for new lines of a log; further ones wait outside."""

LOG_LOOK = 0.1
"""Seconds between looks for new bytes while somebody follows a log."""


class Router:
    """Reads from the ROUTER socket until it is cancelled."""

    def __init__(
        self,
        *,
        socket: zmq.asyncio.Socket,
        inbox: Inbox,
        logs: LogKeeper,
        epoch: int,
        state: Callable[[], tuple[Snapshot, Plan]],
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._socket = socket
        self._inbox = inbox
        self._logs = logs
        self._epoch = epoch
        self._state = state
        self._log = log
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve; ends when cancelled."""
        try:
            while True:
                await self._places.acquire()
                peer, *frames = await self._socket.recv_multipart()
                task = asyncio.create_task(self._serve(peer, frames))
                self._tasks.add(task)
                task.add_done_callback(self._served)
        finally:
            for task in list(self._tasks):
                task.cancel()

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._places.release()

    async def _serve(self, peer: bytes, frames: Sequence[bytes]) -> None:
        message_id = frames[1].decode("utf-8", "replace") if len(frames) > 1 else ""
        blob = b""
        reply: Message
        try:
            envelope = Envelope.parse(frames)
            reply, blob = await self._answer(envelope)
        except (MalformedEnvelope, WrongVersion, BackendError) as error:
            reply = Failure(reason=str(error))
        except Exception:  # noqa: BLE001 -- an edge: logged, the others go on
            self._log.exception("A request of the hub failed")
            reply = Failure(reason="the master could not answer; its log says why")
        await self._socket.send_multipart([peer, *reply.envelope(message_id, blob).frames()])

    async def _answer(self, envelope: Envelope) -> tuple[Message, bytes]:
        match parse_request(envelope):
            case Wake():
                self._inbox.wake()
                return Pong(epoch=self._epoch), b""
            case Ping():
                return Pong(epoch=self._epoch), b""
            case Queue():
                return QueueReply(entries=self._entries(self._state()[1].waiting)), b""
            case Explain(execution_ids=execution_ids):
                return QueueReply(entries=self._entries(execution_ids)), b""
            case ReadLog() as wanted:
                return await self._read_log(wanted)

    def _entries(self, execution_ids: Sequence[int]) -> tuple[QueueEntry, ...]:
        snapshot, plan = self._state()
        entries = []
        for execution_id in execution_ids:
            execution = snapshot.executions.get(execution_id)
            explanation = explain(plan, execution_id)
            if execution is not None and explanation is not None:
                entries.append(
                    QueueEntry(
                        execution_id=execution_id,
                        user=execution.user,
                        name=execution.name,
                        explanation=explanation,
                    )
                )
        return tuple(entries)

    async def _read_log(self, wanted: ReadLog) -> tuple[LogChunk, bytes]:
        instance = InstanceId(wanted.execution_id, wanted.service, wanted.index, wanted.attempt)
        loop = asyncio.get_running_loop()
        until = loop.time() + wanted.wait
        while True:
            ended = self._has_ended(instance)
            data = await asyncio.to_thread(self._logs.read, instance, wanted.offset, wanted.limit)
            if data or ended or loop.time() >= until:
                break
            await asyncio.sleep(LOG_LOOK)
        size = await asyncio.to_thread(self._logs.size, instance)
        finished = ended and wanted.offset + len(data) >= size
        return LogChunk(offset=wanted.offset, size=size, finished=finished), data

    def _has_ended(self, instance: InstanceId) -> bool:
        snapshot, _ = self._state()
        if instance.execution_id not in snapshot.executions:
            return True
        view = snapshot.instances[instance.execution_id].get(instance)
        return view is not None and view.gone
