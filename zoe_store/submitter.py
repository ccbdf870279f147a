"""Group commit: what is submitted while one transaction commits shares the next one.

A durable commit takes Postgres about as long for a hundred submissions as for one. Nobody waits for
company: a single submission is stored at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime

from zoe_store.database import Database, DatabaseAway, DatabaseBusy
from zoe_store.submissions import NewExecution, Submitted, submit_all

BATCH = 64
"""Submissions in one transaction, at most: together they are one value for Postgres, and each may
have a megabyte."""

WAITING = 1000
"""Submissions that may wait for their transaction before further ones are refused."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    new: NewExecution
    answer: asyncio.Future[Submitted]

    def settle(self, answer: Submitted | Exception) -> None:
        if self.answer.cancelled():  # who submitted it gave up while it was stored
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class Submitter:
    """Stores the submissions of one event loop, many in one transaction.

    ``waiting`` bounds those that wait. Close it at the end: what waits then is still stored.
    """

    def __init__(self, database: Database, *, waiting: int = WAITING) -> None:
        self._database = database
        self._limit = waiting
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, "submitter")  # its own: others may be taken for long
        self._storing: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, new: NewExecution) -> Submitted:
        """Store a request durably. Raises what ``submit_all`` refuses it for.

        Raises DatabaseBusy at once when too many wait already. DatabaseAway may mean that it is
        unknown whether it was stored: only with an idempotency key it is safe to try again.
        Cancelled early enough, it stores nothing.
        """
        if self._closed:
            raise RuntimeError("the submitter is closed")
        if len(self._waiting) >= self._limit:
            raise DatabaseBusy(f"{self._limit} submissions wait to be stored")
        answer: asyncio.Future[Submitted] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(new, answer))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all())
        return await answer

    async def close(self) -> None:
        """Store what waits, and return when that is done."""
        self._closed = True
        if self._storing is not None:
            await self._storing
        self._thread.shutdown()

    async def _store_all(self) -> None:
        """Until nobody waits. One wake-up of the loop for each batch, not for each submission."""
        loop = asyncio.get_running_loop()
        while batch := self._take():
            requests = [each.new for each in batch]
            answers = await loop.run_in_executor(self._thread, self._answers, requests)
            for waiting, answer in zip(batch, answers, strict=True):
                waiting.settle(answer)
        self._storing = None

    def _take(self) -> list[_Waiting]:
        """The longest waiting ones that have not given up, at most one batch."""
        taken: list[_Waiting] = []
        while self._waiting and len(taken) < BATCH:
            waiting = self._waiting.popleft()
            if not waiting.answer.cancelled():
                taken.append(waiting)
        return taken

    def _answers(self, batch: Sequence[NewExecution]) -> Sequence[Submitted | Exception]:
        """Store them together; an error that may belong to one of them must not harm the others."""
        try:
            return submit_all(self._database, batch, datetime.now(UTC))
        except DatabaseAway as error:
            return [copy(error) for _ in batch]  # each place that raises one adds to it
        except Exception as error:  # noqa: BLE001 -- whoever submitted it gets it
            if len(batch) == 1:
                return [error]
            return [answer for each in batch for answer in self._answers([each])]
