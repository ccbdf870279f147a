"""Stops containers: signal first, SIGKILL when the grace is over, also after a master's restart."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from signal import SIGKILL, SIGTERM

from zoe_master.backends.base import BackendError, Retry
from zoe_master.backends.docker.records import Record, StopWish

_AGAIN = 1.0  # seconds until an engine that could not be told is told again

Send = Callable[[Record, int], bool]
"""Send a signal to a container; False when it does not run any more. Raises BackendError."""


def next_wish(
    known: StopWish | None, grace: float, signal: int, now: float
) -> tuple[StopWish, int | None]:
    """The wish after one more request, and the signal to send now, if any.

    Of two deadlines the earlier counts. A signal is sent once; SIGTERM may follow any other, after
    it none follows. Without grace nothing is sent: SIGKILL is due.
    """
    wish = known or StopWish(deadline=now + grace, grace=grace)
    if now + grace < wish.deadline:
        wish = replace(wish, deadline=now + grace, grace=grace)
    may = not wish.signals or (signal == SIGTERM and SIGTERM not in wish.signals)
    if grace <= 0 or not may:
        return wish, None
    return replace(wish, signals=(*wish.signals, int(signal))), signal


class Stops:
    """A thread that keeps the deadlines of one engine; they are in the containers' records.

    Each engine has its own, so that one that hangs does not hold up what others have to kill.
    """

    def __init__(self, send: Send, log: logging.Logger | logging.LoggerAdapter) -> None:
        self._send = send
        self._log = log
        self._state = threading.Condition()
        self._due: dict[str, tuple[float, Record]] = {}
        self._unwritten: dict[str, StopWish] = {}
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="zoe-docker-stops", daemon=True)

    def start(self, records: Iterable[Record]) -> None:
        """Take up the wishes that an earlier master left."""
        for record in records:
            wish = record.wish
            if wish is not None:
                self._due[record.name] = (wish.deadline, record)
        self._thread.start()

    def close(self) -> None:
        """Stop waiting; the next master goes on."""
        with self._state:
            self._closing = True
            self._state.notify()
        if self._thread.is_alive():
            self._thread.join()

    def ask(self, record: Record, grace: float, signal: int) -> None:
        """Ask a container to end, and see to it that it does. Raises BackendError.

        The wish is written before the signal is sent: a crash between the two costs the signal,
        not the end. One that could not be sent is sent when it is asked again, before the deadline.
        """
        with self._state:
            wish, send = next_wish(self._wish(record), grace, signal, time.time())
            try:
                self._keep(record, wish)
            except FileNotFoundError:
                return
            self._due[record.name] = (wish.deadline, record)
            self._state.notify()
        if send is None:
            return
        try:
            runs = self._send(record, send)
        except BackendError:
            self._not_sent(record, send)
            raise
        if not runs:
            self.forget(record)

    def forget(self, record: Record) -> None:
        """It has ended."""
        with self._state:
            self._due.pop(record.name, None)
            self._unwritten.pop(record.name, None)

    def _wish(self, record: Record) -> StopWish | None:
        return self._unwritten.get(record.name) or record.wish

    def _keep(self, record: Record, wish: StopWish) -> None:
        """Write it down, or keep it in mind: a full disk does not keep alive what is to end.

        FileNotFoundError: the instance was removed meanwhile.
        """
        try:
            record.keep_wish(wish)
            self._unwritten.pop(record.name, None)
        except FileNotFoundError:
            raise
        except OSError as error:
            if record.name not in self._unwritten:  # it may be tried each second
                self._log.warning("That %s is to end cannot be noted: %s", record.name, error)
            self._unwritten[record.name] = wish

    def _not_sent(self, record: Record, signal: int) -> None:
        with self._state, suppress(FileNotFoundError):
            wish = self._wish(record)
            if wish is not None:
                left = tuple(each for each in wish.signals if each != signal)
                self._keep(record, replace(wish, signals=left))

    def _run(self) -> None:
        while True:
            with self._state:
                if not self._closing:
                    self._state.wait(self._patience())
                if self._closing:
                    return
                now = time.time()
                due = [record for deadline, record in self._due.values() if deadline <= now]
            for record in due:
                self._force(record)

    def _patience(self) -> float | None:
        """Seconds until the next deadline; a new one wakes us, and is looked at anew."""
        deadlines = [deadline for deadline, _ in self._due.values()]
        return max(0.0, min(deadlines) - time.time()) if deadlines else None

    def _force(self, record: Record) -> None:
        try:
            with self._state:
                wish = self._wish(record)
                if wish is not None:
                    self._keep(record, replace(wish, forced=True))
            self._send(record, SIGKILL)
            self.forget(record)
        except FileNotFoundError:
            self.forget(record)
        except (BackendError, OSError) as error:
            # The log tells once that an engine is away; this may go on for as long as it is.
            level = logging.DEBUG if isinstance(error, Retry) else logging.WARNING
            self._log.log(level, "%s cannot be killed yet: %s", record.name, error)
            with self._state:
                self._due[record.name] = (time.time() + _AGAIN, record)
