"""Notices at once when this master's lock is gone, whatever else it is busy with."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

from zoe_store.database import DatabaseAway
from zoe_store.office import Office, OutOfOffice

CONFIRM_EVERY = 1.0
"""Seconds between questions to Postgres, whether the lock is still ours."""

PATIENCE = 5.0
"""Seconds without such an answer after which we act no longer.

Less than Postgres waits for a peer that has vanished (``zoe_store.driver``): nobody else acts yet.
"""


class Guard:
    """Runs for one term of office, and ends it by OutOfOffice.

    The end of the lock's connection wakes us through its socket. A connection that died without a
    word, as in a network that was cut, shows by the lack of answers.
    """

    def __init__(
        self, office: Office, log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    ) -> None:
        self._office = office
        self._log = log
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # A thread of its own: the question must not queue behind those who read logs.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="guard")

    async def run(self) -> None:
        """Raises OutOfOffice as soon as the lock is gone."""
        loop, socket = asyncio.get_running_loop(), self._office.fileno()
        loop.add_reader(socket, self._listen)
        asking = asyncio.create_task(self._ask_for_ever())
        asking.add_done_callback(
            lambda task: self._end(None if task.cancelled() else task.exception())
        )
        try:
            await self._ended
        finally:
            loop.remove_reader(socket)
            asking.cancel()
            self._thread.shutdown(wait=False)

    def _listen(self) -> None:
        try:
            self._office.listen()
        except OutOfOffice as error:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        if error is not None and not self._ended.done():
            self._ended.set_exception(error)

    async def _ask_for_ever(self) -> None:
        confirmed = time.monotonic()
        while True:
            asked = time.monotonic()
            if await self._confirmed(PATIENCE - (asked - confirmed)):
                confirmed = asked
            elif time.monotonic() >= confirmed + PATIENCE:
                self._office.lose(f"Postgres has not confirmed the lock for {PATIENCE:g} s")
            await asyncio.sleep(CONFIRM_EVERY)

    async def _confirmed(self, within: float) -> bool:
        """Whether Postgres said so in that many seconds; raises OutOfOffice if it says no."""
        try:
            async with asyncio.timeout(within):
                await asyncio.get_running_loop().run_in_executor(self._thread, self._office.confirm)
        except (DatabaseAway, TimeoutError) as error:
            self._log.warning("Postgres does not say whether we hold the lock: %s", error or "late")
            return False
        return True
