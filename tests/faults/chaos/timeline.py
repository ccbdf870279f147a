"""What was done to a world and when, for whoever has to understand a failure."""

import threading
import time


class Timeline:
    """Lines with the seconds since its beginning; for any thread."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._lines: list[str] = []

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    def add(self, text: str) -> None:
        """Something happened now."""
        with self._lock:
            clock = time.strftime("%H:%M:%S", time.gmtime())
            self._lines.append(f"{self.now():7.2f} s ({clock} UTC)  {text}")

    def __str__(self) -> str:
        with self._lock:
            return "\n".join(self._lines)
