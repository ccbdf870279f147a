"""Answers wake-ups, the queue and why from memory, at once; passes on what takes longer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from zoe_core.cluster import Snapshot
from zoe_core.explanation import Explanation
from zoe_core.protocol import (
    Estimate,
    Examine,
    Explain,
    Figures,
    FiguresReply,
    MalformedEnvelope,
    NodesUse,
    Ping,
    Pong,
    Queue,
    QueueEntry,
    QueueReply,
    ReadLog,
    Request,
    Use,
    Wake,
)
from zoe_core.protocol.messages import Message
from zoe_core.scheduling import Plan, explain
from zoe_master.engine.estimator import Estimator
from zoe_master.engine.examiner import Examiner
from zoe_master.engine.figures import FigureBook
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.meter import Meter

EXPLAINED = 100
"""Requests at the front of the queue that are listed with their reasons: each takes a moment."""


class Questions:
    """``state`` gives the newest snapshot and plan."""

    def __init__(
        self,
        inbox: Inbox,
        epoch: int,
        state: Callable[[], tuple[Snapshot, Plan]],
        estimator: Estimator,
        examiner: Examiner,
        meter: Meter,
        figures: FigureBook,
    ) -> None:
        self._inbox = inbox
        self._epoch = epoch
        self._state = state
        self._estimator = estimator
        self._examiner = examiner
        self._meter = meter
        self._figures = figures

    async def answer(self, request: Request) -> tuple[Message, bytes]:
        """The answer, and its bytes. Raises MalformedEnvelope for what has another socket."""
        if isinstance(request, Estimate):
            return await self._estimator.answer(request), b""
        if isinstance(request, Examine):  # all nodes are asked
            return await asyncio.to_thread(self._examiner.examine), b""
        if isinstance(request, Use):
            return await self._meter.answer(request), b""
        if isinstance(request, NodesUse):  # it adds up what all instances use
            return await asyncio.to_thread(self._meter.nodes_use), b""
        if isinstance(request, Figures):
            return FiguresReply(), await asyncio.to_thread(self._figures.render)
        if isinstance(request, Queue):  # it may be long, and the loop has others to answer
            return await asyncio.to_thread(self._whole_queue), b""
        return self._reply(request), b""

    def _reply(self, request: Wake | Ping | Explain | ReadLog) -> Message:
        match request:
            case Wake():
                self._inbox.wake()
                return Pong(epoch=self._epoch)
            case Ping():
                return Pong(epoch=self._epoch)
            case Explain(execution_ids=execution_ids):
                return QueueReply(entries=self._entries(execution_ids, len(execution_ids)))
            case ReadLog():
                raise MalformedEnvelope("ReadLog is answered on the socket for logs")

    def _whole_queue(self) -> QueueReply:
        waiting = self._state()[1].waiting
        return QueueReply(entries=self._entries(waiting, EXPLAINED), error=self._estimator.error)

    def _entries(self, execution_ids: Sequence[int], explained: int) -> tuple[QueueEntry, ...]:
        """Those that wait, the first ``explained`` of them with their reasons."""
        snapshot, plan = self._state()
        now = datetime.now(UTC)
        entries = []
        for place, execution_id in enumerate(execution_ids):
            execution = snapshot.executions.get(execution_id)
            if place < explained:
                explanation = explain(plan, execution_id, now)
            else:
                explanation = Explanation(place + 1, (), ())
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
