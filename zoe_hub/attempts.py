"""Slows the guessing of passwords down: a few wrong attempts, then a pause."""

from collections import deque
from collections.abc import Hashable


class Attempts:
    """Counts the failures of each source in the last `window` seconds; `limit` are too many.

    Times are handed in, in seconds of any clock. Sources are forgotten with their failures.
    """

    def __init__(self, limit: int = 5, window: float = 60.0) -> None:
        self._limit = limit
        self._window = window
        self._failures: dict[Hashable, deque[float]] = {}

    def pause(self, source: Hashable, now: float) -> float:
        """Seconds until `source` may try again, 0 when it may now."""
        self._forget(now)
        failures = self._failures.get(source, deque())
        return failures[0] + self._window - now if len(failures) >= self._limit else 0.0

    def failed(self, source: Hashable, now: float) -> None:
        """Count a failure; only the newest `limit` of a source matter."""
        self._failures.setdefault(source, deque(maxlen=self._limit)).append(now)

    def succeeded(self, source: Hashable) -> None:
        """Forget the failures of `source`."""
        self._failures.pop(source, None)

    def _forget(self, now: float) -> None:
        """Drop those whose last failure is long ago: names are the attacker's to choose."""
        for source, times in list(self._failures.items()):
            if times[-1] + self._window <= now:
                del self._failures[source]

    def __len__(self) -> int:
        """How many sources are remembered."""
        return len(self._failures)
