"""Answers wake-ups, the queue and why from the master's memory, at once; passes estimates on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from zoe_core.cluster import Snapshot
from zoe_core.protocol import (
    Estimate,
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
from zoe_master.engine.estimator import Estimator
from zoe_master.engine.inbox import Inbox


class Questions:
    """``state`` gives the newest snapshot and plan."""

    def __init__(
        self,
        inbox: Inbox,
        epoch: int,
        state: Callable[[], tuple[Snapshot, Plan]],
        estimator: Estimator,
    ) -> None:
        self._inbox = inbox
        self._epoch = epoch
        self._state = state
        self._estimator = estimator

    async def answer(self, request: Request) -> tuple[Message, bytes]:
        """The answer, without bytes. Raises MalformedEnvelope for what has another socket."""
        if isinstance(request, Estimate):
            return await self._estimator.answer(request), b""
        return self._reply(request), b""

    def _reply(self, request: Wake | Ping | Queue | Explain | ReadLog) -> Message:
        match request:
            case Wake():
                self._inbox.wake()
                return Pong(epoch=self._epoch)
            case Ping():
                return Pong(epoch=self._epoch)
            case Queue():
                return self._queue(self._state()[1].waiting)
            case Explain(execution_ids=execution_ids):
                return self._queue(execution_ids)
            case ReadLog():
                raise MalformedEnvelope("ReadLog is answered on the socket for logs")

    def _queue(self, execution_ids: Sequence[int]) -> QueueReply:
        return QueueReply(entries=self._entries(execution_ids), error=self._estimator.error)

    def _entries(self, execution_ids: Sequence[int]) -> tuple[QueueEntry, ...]:
        snapshot, plan = self._state()
        now = datetime.now(UTC)
        entries = []
        for execution_id in execution_ids:
            execution = snapshot.executions.get(execution_id)
            explanation = explain(plan, execution_id, now)
            if execution is not None and explanation is not None:
                entries.append(
                    QueueEntry(
                        execution_id=execution_id,
                        user=execution.user,
                        name=execution.name,
                        explanation=explanation,
                        expected=self._estimator.expected.get(execution_id),
                    )
                )
        return tuple(entries)
