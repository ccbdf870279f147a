"""All that the hub meets of the master: its sockets, and what answers on them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from zoe_core.cluster import Snapshot
from zoe_core.scheduling import Plan
from zoe_master.api.log_reader import LogReader
from zoe_master.api.publisher import Publisher
from zoe_master.api.questions import Questions
from zoe_master.api.router import Router
from zoe_master.api.sockets import Sockets
from zoe_master.engine.estimator import Estimator
from zoe_master.engine.examiner import Examiner
from zoe_master.engine.figures import FigureBook
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.logs import LogKeeper
from zoe_master.engine.meter import Meter

QUESTIONS_AT_ONCE = 500
LOGS_AT_ONCE = 1000
"""Requests under way on each socket; those for logs mostly wait for new lines."""


class Front:
    """Serves during one term of office; ``publisher`` tells the hub of new events."""

    def __init__(
        self,
        *,
        sockets: Sockets,
        inbox: Inbox,
        logs: LogKeeper,
        estimator: Estimator,
        examiner: Examiner,
        meter: Meter,
        figures: FigureBook,
        epoch: int,
        state: Callable[[], tuple[Snapshot, Plan]],
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
    ) -> None:
        questions = Questions(inbox, epoch, state, estimator, examiner, meter, figures)
        self._reader = LogReader(logs, lambda: state()[0])
        self._routers = (
            Router(sockets.commands, questions.answer, QUESTIONS_AT_ONCE, log),
            Router(sockets.logs, self._reader.answer, LOGS_AT_ONCE, log),
        )
        self.publisher = Publisher(sockets.events, epoch)

    async def run(self) -> None:
        """Answer and beat until it is cancelled; an ExceptionGroup is what nobody foresaw."""
        async with asyncio.TaskGroup() as group:
            for each in (*self._routers, self._reader, self.publisher):
                group.create_task(each.run())
