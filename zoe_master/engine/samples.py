"""What one attempt of an instance has used over its whole life, in little room."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from zoe_master.backends.base import Usage

MOST = 240
"""Samples of one attempt."""

FINEST = 5.0
"""Seconds between two samples, until there are too many of them."""

_EARLY = 0.9
"""Of that time, after which a sample counts: rounds are never quite punctual."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Up to ``at`` (seconds since 1970), and since the sample before it.

    ``memory`` is the most that was measured, in bytes; ``cores`` is the mean.
    """

    at: float
    memory: int
    cores: float


class Samples:
    """From the start, at ``since``, to the newest measurement, which is always the last sample.

    Instead of more than ``MOST`` the shortest distance between two doubles, and what is closer is
    merged. The CPU seconds are kept as they were counted, so the mean stays exact however much is
    merged; and so does the highest memory. 24 bytes for each.
    """

    def __init__(self, since: float) -> None:
        self._since = since
        self._spacing = FINEST
        self._at = array("d")
        self._memory = array("q")
        self._cpu = array("d")

    def __len__(self) -> int:
        return len(self._at)

    def add(self, at: float, usage: Usage) -> None:
        """Take in a measurement; a clock that was put back stands still meanwhile."""
        newest = self._at[-1] if self._at else self._since
        self._put(max(at, newest), usage.memory, usage.cpu_seconds)
        if len(self) > MOST:
            self._thin(MOST * 3 // 4)

    def all(self, most: int = MOST) -> list[Sample]:
        """The oldest first, ``most`` of them at most."""
        if len(self) > most:
            return self._coarser(most).all()
        found, at, cpu = [], self._since, 0.0
        for now, memory, seconds in zip(self._at, self._memory, self._cpu, strict=True):
            found.append(Sample(now, memory, mean(seconds - cpu, now - at)))
            at, cpu = now, seconds
        return found

    def _put(self, at: float, memory: int, cpu: float) -> None:
        """Add the newest; the one before it gives way if it is too close to its own predecessor."""
        if self._at:
            before = self._at[-2] if len(self) > 1 else self._since
            if self._at[-1] - before < _EARLY * self._spacing:
                self._at.pop()
                self._cpu.pop()
                memory = max(memory, self._memory.pop())
        self._at.append(at)
        self._memory.append(memory)
        self._cpu.append(cpu)

    def _thin(self, most: int) -> None:
        while len(self) > most:
            self._spacing *= 2
            old = zip(self._at, self._memory, self._cpu, strict=True)
            self._at, self._memory, self._cpu = array("d"), array("q"), array("d")
            for each in old:
                self._put(*each)

    def _coarser(self, most: int) -> Samples:
        copy = Samples(self._since)
        copy._spacing = self._spacing
        copy._at, copy._memory, copy._cpu = self._at, self._memory, self._cpu
        copy._thin(most)
        return copy


def mean(cpu_seconds: float, seconds: float) -> float:
    """Cores; never below nothing, also when the count of a process that has gone is missing."""
    return max(0.0, cpu_seconds / seconds) if seconds > 0 else 0.0
