"""Slows the guessing of passwords down: a few wrong attempts, then a pause."""

from collections import deque


class Attempts:
    """Counts the failures of each name in the last `window` seconds; `limit` of them are too many.

    Times are handed in, in seconds of any clock. What a name has done before is forgotten with it.
    """

    def __init__(self, limit: int = 5, window: float = 60.0) -> None:
        self._limit = limit
        self._window = window
        self._failures: dict[str, deque[float]] = {}

    def pause(self, name: str, now: float) -> float:
        """Seconds until `name` may try again, 0 when it may now."""
        self._forget(now)
        failures = self._failures.get(name, deque())
        return failures[0] + self._window - now if len(failures) >= self._limit else 0.0

    def failed(self, name: str, now: float) -> None:
        """Count a failure; only the newest `limit` of a name matter."""
        self._failures.setdefault(name, deque(maxlen=self._limit)).append(now)

    def succeeded(self, name: str) -> None:
        """Forget the failures of `name`."""
        self._failures.pop(name, None)

    def _forget(self, now: float) -> None:
        """Drop the names whose last failure is long ago: names are the attacker's to choose."""
        old = [name for name, times in self._failures.items() if times[-1] + self._window <= now]
        for name in old:
            del self._failures[name]

    def __len__(self) -> int:
        """How many names are remembered."""
        return len(self._failures)
