"""The results of a simulation as a table for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_COLUMNS = ("mean", "median", "p95", "max")


def table(figures: dict[str, Any]) -> str:
    """What was simulated, and a line for each figure; times in hours, minutes and seconds."""
    return "\n".join(_lines(figures))


def _lines(figures: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{figures['workload']}: {figures['jobs']} jobs on {figures['nodes']} nodes of "
        f"{figures['cores']:g} cores and {figures['memory_gb']:g} GB, "
        f"{figures['policy']}, {figures['placement']}"
    )
    for reason, count in figures["skipped"].items():
        yield f"{count} left out: {reason.replace('_', ' ')}"
    if figures["never_started"]:
        yield f"{figures['never_started']} never started: the cluster is too small for them"
    yield ""
    yield f"{'':12}" + "".join(f"{column:>12}" for column in _COLUMNS)
    for name in ("turnaround", "waiting"):
        yield f"{name:12}" + "".join(f"{_time(figures[name][each]):>12}" for each in _COLUMNS)
    slowdown = figures["slowdown"]
    yield f"{'slowdown':12}" + "".join(f"{_plain(slowdown[each]):>12}" for each in _COLUMNS)
    yield ""
    use = figures["utilisation"]
    yield f"cores used   {_percent(use['cores']):>8}    memory used {_percent(use['memory']):>8}"
    yield f"makespan {_time(figures['makespan']):>12}    fairness {_plain(figures['fairness']):>11}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
