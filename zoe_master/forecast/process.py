"""The master's side of the forecasting process: starts it, asks it, and ends it."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime

from zoe_core.cluster import Snapshot
from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_master.engine.experience import Experience
from zoe_master.forecast import child
from zoe_master.forecast.job import Candidates, Failed, Forecast, Job
from zoe_master.forecast.sync import Sender
from zoe_store.processes import start_child

MARGIN = 0.5
"""Seconds before the deadline at which the process gives up, so that its answer comes in time."""

HANGS = 60.0
"""Seconds beyond the deadline after which it is ended. It is late when it has much to take in, and
what it knows then is of use to the next question."""

BUSY = "The scheduler works out other estimates just now: try again in a moment."
_INHERITED = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TZ")
"""Of our environment it gets no more than Python needs: there are secrets in it."""

_GONE = "The forecasting process has ended: try again in a moment."


class NoForecast(Exception):
    """There is none; the message is a sentence for people."""


class ForecastProcess:
    """One process, started when it is first asked; it ends with this one, however that ends.

    Used on the event loop of the main thread. One question at a time; others wait.
    """

    def __init__(
        self,
        settings: SchedulingSettings,
        rules: StartRules,
        experience: Experience,
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
        niceness: int = 0,
    ) -> None:
        """``niceness``: how much all else on the machine comes first, up to 19."""
        self._settings = settings
        self._niceness = niceness
        self._rules = rules
        self._sender = Sender(experience)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forecast")
        self._free = asyncio.Lock()
        self._asked: set[asyncio.Task[Forecast]] = set()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return None if self._process is None else self._process.pid

    async def ask(
        self,
        snapshot: Callable[[], Snapshot],
        now: datetime,
        candidates: Candidates | None = None,
        *,
        within: float,
    ) -> Forecast:
        """Foresee the future of that ``snapshot``, which is taken when the turn has come.

        Raises NoForecast, after ``within`` seconds at the latest.
        """
        deadline = time.monotonic() + within
        task = asyncio.create_task(self._ask(snapshot, now, candidates, deadline))
        self._asked.add(task)
        task.add_done_callback(self._answered)
        # Whoever gives up leaves the process to come to its own end.
        await asyncio.wait([task], timeout=within)
        if not task.done():
            raise NoForecast(BUSY)
        return task.result()

    def _answered(self, task: asyncio.Task[Forecast]) -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # perhaps nobody waits for it any more

    async def _ask(
        self,
        snapshot: Callable[[], Snapshot],
        now: datetime,
        candidates: Candidates | None,
        deadline: float,
    ) -> Forecast:
        async with self._free:
            if time.monotonic() > deadline:
                raise NoForecast(BUSY)
            process = self._process or self._start()
            update = self._sender.update(snapshot())
            job = Job(update, self._settings, self._rules, now, deadline - MARGIN, candidates)
            try:
                answer = await self._talk(process, job)
            except BaseException:
                self._end()  # its answer may still come, and would be taken for another one
                raise
        if isinstance(answer, Failed):
            raise NoForecast(answer.reason)
        return answer

    async def _talk(self, process: subprocess.Popen[bytes], job: Job) -> Forecast | Failed:
        try:
            async with asyncio.timeout(job.deadline - time.monotonic() + HANGS):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._thread, _talk, process, job)
        except (OSError, EOFError, pickle.UnpicklingError, TimeoutError) as error:
            self._log.warning("The forecasting process has ended, or hangs: %r", error)
            raise NoForecast(_GONE) from error

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = start_child(
            [sys.executable, "-m", child.__name__, str(self._niceness)],
            death_signal=signal.SIGKILL,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self._process

    def _end(self) -> None:
        """Kill it; the next question starts another one."""
        self._sender.forget()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            # In the thread that may be reading from it: that one has found its end by then.
            self._thread.submit(_close, self._process)
            self._process = None

    def close(self) -> None:
        """End it for good; who still waits gets no answer."""
        for task in self._asked:
            task.cancel()
        self._end()
        self._thread.shutdown(wait=False)


def _talk(process: subprocess.Popen[bytes], job: Job) -> Forecast | Failed:
    assert process.stdin is not None
    assert process.stdout is not None
    pickle.dump(job, process.stdin)
    process.stdin.flush()
    answer: Forecast | Failed = pickle.load(process.stdout)  # noqa: S301 -- of a child of our own
    return answer


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was not sent is of no use any more
                pipe.close()
