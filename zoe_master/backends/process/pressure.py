"""Whether this machine runs short of memory, so that nothing should come that need not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

BEGINS_BELOW, ENDS_ABOVE = 0.10, 0.15
"""Share of the memory that is available (``MemAvailable`` of proc(5))."""

BEGINS_OVER, ENDS_UNDER = 10.0, 2.0
"""Percent of the last ten seconds in which some process waited for memory."""

_STALLS = Path("/proc/pressure/memory")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured: the share of memory that is available, percent of time stalled."""

    available: float
    stalled: float = 0.0


def read_memory(stalls: Path = _STALLS) -> Reading:
    """Measure now. Kernels may have no pressure-stall information; then nothing stalls."""
    memory = psutil.virtual_memory()
    text = ""
    with suppress(OSError):
        text = stalls.read_text("ascii")
    return Reading(memory.available / memory.total, parse_stalls(text))


def parse_stalls(text: str) -> float:
    """The ``avg10`` of the line ``some`` in ``/proc/pressure/memory``; 0 when there is none.

    Format: ``some avg10=0.00 avg60=0.00 avg300=0.00 total=0`` (Documentation/accounting/psi.rst).
    """
    for line in text.splitlines():
        kind, *fields = line.split()
        values = dict(field.partition("=")[::2] for field in fields)
        if kind == "some" and "avg10" in values:
            return float(values["avg10"])
    return 0.0


class MemoryPressure:
    """Says whether memory is short, with different bounds for the beginning and the end.

    Else the first instance that ends because of it would let the next one in.
    """

    def __init__(self, read: Callable[[], Reading] = read_memory) -> None:
        self._read = read
        self._short = False

    def look(self) -> bool:
        """Measure, and say whether it is short now."""
        seen = self._read()
        if self._short:
            relaxed = seen.available > ENDS_ABOVE and seen.stalled < ENDS_UNDER
            self._short = not relaxed
        else:
            self._short = seen.available < BEGINS_BELOW or seen.stalled > BEGINS_OVER
        return self._short
