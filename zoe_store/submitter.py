"""Group commit: what is submitted while one transaction commits shares the next one.

A durable commit takes Postgres about as long for a hundred submissions as for one. Nobody waits for
company: a single submission is stored at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass, field
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
    answer: Future[Submitted] = field(default_factory=Future)

    def settle(self, answer: Submitted | Exception) -> None:
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class Submitter:
    """Stores the submissions of one process on a thread of its own, many in one transaction.

    ``waiting`` bounds those that wait. Close it at the end: what waits then is still stored.
    """

    def __init__(self, database: Database, *, waiting: int = WAITING) -> None:
        self._database = database
        self._limit = waiting
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="submitter", daemon=True)
        self._thread.start()

    def submit(self, new: NewExecution) -> Submitted:
        """Store a request durably; blocks until it is. Raises what ``submit_all`` refuses it for.

        Raises DatabaseBusy at once when too many wait already. DatabaseAway may mean that it is
        unknown whether it was stored: only with an idempotency key it is safe to try again.
        """
        return self._hand_in(new).result()

    async def submit_async(self, new: NewExecution) -> Submitted:
        """``submit`` for an event loop. Cancelled early enough, it stores nothing."""
        return await asyncio.wrap_future(self._hand_in(new))

    def close(self) -> None:
        """Store what waits, and return when that is done."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _hand_in(self, new: NewExecution) -> Future[Submitted]:
        with self._changed:
            if self._closed:
                raise RuntimeError("the submitter is closed")
            if len(self._waiting) >= self._limit:
                raise DatabaseBusy(f"{self._limit} submissions wait to be stored")
            waiting = _Waiting(new)
            self._waiting.append(waiting)
            self._changed.notify()
        return waiting.answer

    def _run(self) -> None:
        while taken := self._take():
            batch = [each for each in taken if each.answer.set_running_or_notify_cancel()]
            if batch:
                answers = self._answers([each.new for each in batch])
                for waiting, answer in zip(batch, answers, strict=True):
                    waiting.settle(answer)

    def _take(self) -> list[_Waiting]:
        """What waits now, at least one; none at all when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]

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
