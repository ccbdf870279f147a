"""Rates and quantiles, and the two ways of showing them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

Figures = dict[str, str | int | float]


def rate(latencies: Sequence[float], seconds: float) -> Figures:
    """How many there were a second, and how long each took; ``latencies`` are in seconds."""
    return {"per_s": round(len(latencies) / seconds, 1), **quantiles(latencies)}


def quantiles(latencies: Sequence[float]) -> Figures:
    """Median and 99th percentile in milliseconds, by nearest rank; ``latencies`` are in seconds."""
    ordered = sorted(latencies)
    return {
        f"p{percent}_ms": round(1000 * ordered[-(-len(ordered) * percent // 100) - 1], 2)
        for percent in (50, 99)
    }


class Report:
    """Prints each result as it comes: as JSON objects, one a line, or as a table with ``columns``.

    A column may be computed from the others; see ``add``.
    """

    def __init__(self, columns: Sequence[str], *, as_json: bool) -> None:
        self._columns = columns
        self._as_json = as_json
        self._line({name: name for name in columns})

    def add(self, result: Figures, **for_people: str) -> None:
        """Show one result; ``for_people`` are columns of the table only."""
        if self._as_json:
            print(json.dumps(result), flush=True)
            return
        self._line({**result, **for_people})

    def _line(self, cells: Mapping[str, object]) -> None:
        if not self._as_json:
            widths = {name: max(12, len(name) + 2) for name in self._columns}
            line = (f"{cells.get(name, '')!s:>{width}}" for name, width in widths.items())
            print("".join(line), flush=True)

    def note(self, text: str) -> None:
        """Say something that is no figure."""
        if not self._as_json:
            print(text, flush=True)
