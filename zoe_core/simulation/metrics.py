"""What came of a run, in figures: times, slowdown, use of the cluster, fairness."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoe_core.simulation.run import Life, Run

SHORT = 10.0
"""Seconds: the run time of a shorter job counts as this much in its slowdown."""
SAMPLES = 100
"""Equal pieces of the whole time, for which the use of the cluster is told."""

Figures = dict[str, Any]


def metrics(run: Run) -> Figures:
    """All figures of a run, ready for JSON.

    ``turnaround`` (submission to end) and ``waiting`` (submission to start) are in seconds, over
    the jobs that ended. ``slowdown`` is bounded: turnaround over the run time with all instances,
    at least ``SHORT`` seconds of it, and never below 1 (Feitelson and Rudolph, JSSPP 1998).
    ``utilisation`` is what running instances reserve, as a part of the cluster, from the first
    submission to the last end; ``over_time`` gives its means as [seconds, cores, memory], each from
    that time on. ``fairness`` is Jain's index over the mean slowdowns of the users: 1 when they are
    equal, 1/n when one of n users bears all.
    """
    ended = [each for each in run.lives if each.ended is not None]
    slowdowns = [_slowdown(each) for each in ended]
    return {
        "jobs": len(run.lives),
        "ended": len(ended),
        "never_started": sum(each.started is None for each in run.lives),
        "makespan": max((each.ended or 0.0 for each in ended), default=0.0),
        "turnaround": spread([_turnaround(each) for each in ended]),
        "waiting": spread([(each.started or 0.0) - each.job.submitted for each in ended]),
        "slowdown": spread(slowdowns),
        "utilisation": _utilisation(run),
        "fairness": _fairness(ended, slowdowns),
    }


def spread(values: Sequence[float]) -> Figures:
    """Mean, median, 95th percentile (by nearest rank) and maximum; None of no values."""
    if not values:
        return dict.fromkeys(("mean", "median", "p95", "max"))
    sorted_values = np.sort(np.array(values))
    return {
        "mean": _figure(sorted_values.mean()),
        "median": _figure(np.median(sorted_values)),
        "p95": _figure(np.percentile(sorted_values, 95, method="inverted_cdf")),
        "max": _figure(sorted_values[-1]),
    }


def _turnaround(life: Life) -> float:
    return (life.ended or 0.0) - life.job.submitted


def _slowdown(life: Life) -> float:
    return max(1.0, _turnaround(life) / max(life.job.run_time, SHORT))


def _fairness(ended: Iterable[Life], slowdowns: Iterable[float]) -> float | None:
    """Jain, Chiu, Hawe 1984: (sum x)^2 / (n sum x^2)."""
    of_user: dict[str, list[float]] = {}
    for life, slowdown in zip(ended, slowdowns, strict=True):
        of_user.setdefault(life.job.user, []).append(slowdown)
    means = np.array([np.mean(each) for each in of_user.values()])
    return _figure(means.sum() ** 2 / (len(means) * (means**2).sum())) if len(means) else None


def _utilisation(run: Run) -> Figures:
    if not run.lives or not run.used:
        return {"cores": None, "memory": None, "over_time": []}
    begin = min(each.job.submitted for each in run.lives)
    edges = np.linspace(begin, max(run.used[-1][0], begin), SAMPLES + 1)
    parts = np.column_stack([_done_by(edges, run, "millicores"), _done_by(edges, run, "memory")])
    whole = edges[-1] - edges[0]
    if not whole:
        return {"cores": 0.0, "memory": 0.0, "over_time": []}
    means = np.diff(parts, axis=0) / (whole / SAMPLES)
    cores, memory = (parts[-1] - parts[0]) / whole
    return {
        "cores": _figure(cores),
        "memory": _figure(memory),
        "over_time": [
            [_figure(at), _figure(row[0]), _figure(row[1])]
            for at, row in zip(edges, means, strict=False)
        ],
    }


def _done_by(edges: NDArray[np.float64], run: Run, what: str) -> NDArray[np.float64]:
    """The part of the cluster that was used, times seconds, up to each of these moments."""
    moments = np.array([at for at, _ in run.used])
    levels = np.array([getattr(amount, what) for _, amount in run.used], dtype=float)
    levels /= getattr(run.capacity, what) or 1
    sums = np.concatenate([[0.0], np.cumsum(levels[:-1] * np.diff(moments))])
    return np.asarray(np.interp(edges, moments, sums))


def _figure(value: float | np.floating[Any]) -> float:
    """Six digits after the point are more than anything here is exact to."""
    return round(float(value), 6)
