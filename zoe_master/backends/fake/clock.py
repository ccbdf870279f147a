"""Time for the fake engine: real, or moved by hand."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Protocol

Action = Callable[[], None]


class Clock(Protocol):
    """Tells the time and calls back."""

    def now(self) -> float:
        """Seconds since some moment; never goes back."""

    def call_at(self, when: float, action: Action) -> None:
        """Call ``action`` when it is ``when``, from any thread; not from within this call."""


class ManualClock:
    """Stands still until it is told to go on: tests need not wait."""

    def __init__(self) -> None:
        self._now = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, Action]] = []

    def now(self) -> float:
        """Seconds that it was advanced so far."""
        return self._now

    def call_at(self, when: float, action: Action) -> None:
        """See ``Clock``; the call comes from within ``advance``."""
        heapq.heappush(self._due, (when, next(self._order), action))

    def advance(self, seconds: float) -> None:
        """Go on, and do on the way what becomes due, each at its own time."""
        end = self._now + seconds
        while self._due and self._due[0][0] <= end:
            when, _, action = heapq.heappop(self._due)
            self._now = max(self._now, when)
            action()
        self._now = end


class RealClock:
    """``time.monotonic``, with one thread for all calls."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._due: list[tuple[float, int, Action]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def now(self) -> float:
        """See ``time.monotonic``."""
        return time.monotonic()

    def call_at(self, when: float, action: Action) -> None:
        """See ``Clock``; after ``close`` nothing is called any more."""
        with self._changed:
            heapq.heappush(self._due, (when, next(self._order), action))
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="zoe-fake", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (action := self._next()) is not None:
            action()

    def _next(self) -> Action | None:
        """Wait for the next action; None when the clock is closed."""
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - self.now() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None
