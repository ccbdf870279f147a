"""Answers what can be answered at once, from the master's memory: wake-ups, the queue, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zoe_core.cluster import Snapshot
from zoe_core.protocol import (
    Explain,
    MalformedEnvelope,
    Ping,
    Pong,
    Queue,
    QueueEntry,
    QueueReply,
    ReadLog,
    Request,
    Wake,
)
from zoe_core.protocol.messages import Message
from zoe_core.scheduling import Plan, explain
from zoe_master.engine.inbox import Inbox


class Questions:
    """``state`` gives the newest snapshot and plan."""

    def __init__(
        self, inbox: Inbox, epoch: int, state: Callable[[], tuple[Snapshot, Plan]]
    ) -> None:
        self._inbox = inbox
        self._epoch = epoch
        self._state = state

    async def answer(self, request: Request) -> tuple[Message, bytes]:
        """The answer, without bytes. Raises MalformedEnvelope for what has another socket."""
        return self._reply(request), b""

    def _reply(self, request: Request) -> Message:
        match request:
            case Wake():
                self._inbox.wake()
                return Pong(epoch=self._epoch)
            case Ping():
                return Pong(epoch=self._epoch)
            case Queue():
                return QueueReply(entries=self._entries(self._state()[1].waiting))
            case Explain(execution_ids=execution_ids):
                return QueueReply(entries=self._entries(execution_ids))
            case ReadLog():
                raise MalformedEnvelope("ReadLog is answered on the socket for logs")

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
