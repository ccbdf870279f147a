"""Workloads in the Standard Workload Format, in which traces of clusters are published.

https://www.cs.huji.ac.il/labs/parallel/workload/swf.html: one job a line, 18 numbers each; -1 says
that a number is not known; lines that begin with a semicolon are comments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from zoe_core.amount import MILLICORES_PER_CORE, Amount
from zoe_core.names import shorten
from zoe_core.simulation.job import Component, Job
from zoe_core.simulation.work import Work

_FIELDS = (
    "job number",
    "submit time",
    "wait time",
    "run time",
    "number of allocated processors",
    "average CPU time used",
    "used memory",
    "requested number of processors",
    "requested time",
    "requested memory",
    "status",
    "user id",
    "group id",
    "executable number",
    "queue number",
    "partition number",
    "preceding job number",
    "think time",
)
_KB = 1024
_CANCELLED = 5
_PARTIAL = frozenset({2, 3, 4})
"""Pieces of a job that was stopped and went on; a line of its own sums them up."""


_MOST_SECONDS = 2**31 - 1
_MOST_PROCESSORS = 100_000
_MOST_KB = 2**40
_MOST = {1: _MOST_SECONDS, 3: _MOST_SECONDS, 4: _MOST_PROCESSORS, 6: _MOST_KB}
_MOST |= {7: _MOST_PROCESSORS, 8: _MOST_SECONDS, 9: _MOST_KB}
"""By column; more is a slip of whoever wrote the file."""


class SwfError(ValueError):
    """A line is not what the format says; the message names it by its number."""


@dataclass(frozen=True, slots=True)
class SwfWorkload:
    """The jobs of a trace, in the order of the file, and how many were left out, by reason."""

    jobs: tuple[Job, ...]
    skipped: Mapping[str, int]


def read_swf(lines: Iterable[str]) -> SwfWorkload:
    """Read a trace: a job of n processors becomes n essential instances of one core each.

    The format gives memory for each processor. What the job asked for counts, or else what it
    used; the time that it asked for is its estimate. Raises SwfError.
    """
    jobs: list[Job] = []
    skipped: Counter[str] = Counter()
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith(";"):
            continue
        values = _numbers(text, number)
        reason = _why_not(values)
        if reason is None:
            jobs.append(_job(len(jobs) + 1, values))
        else:
            skipped[reason] += 1
    first = min((each.submitted for each in jobs), default=0.0)
    shifted = (replace(each, submitted=each.submitted - first) for each in jobs)
    return SwfWorkload(tuple(shifted), dict(sorted(skipped.items())))


def make_elastic(jobs: Iterable[Job], share: float, rng: np.random.Generator) -> list[Job]:
    """Make this share of the jobs of two or more instances elastic, drawn by ``rng``.

    They keep one essential instance, and their work: with all instances they take as long as
    before.
    """
    jobs = list(jobs)
    able = [row for row, each in enumerate(jobs) if each.instances >= 2]
    for row in rng.permutation(len(able))[: round(share * len(able))]:
        job = jobs[able[row]]
        (part,) = job.components
        jobs[able[row]] = replace(job, components=(Component(part.amount, 1, part.essential - 1),))
    return jobs


def _numbers(text: str, line: int) -> list[float]:
    words = text.split()
    if len(words) != len(_FIELDS):
        raise SwfError(
            f"line {line} has {len(words)} fields: a job has {len(_FIELDS)} numbers, separated by "
            "spaces"
        )
    return [_number(word, column, line) for column, word in enumerate(words)]


def _number(word: str, column: int, line: int) -> float:
    field = f"line {line}, field {column + 1} ({_FIELDS[column]})"
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise SwfError(f"{field} is {shorten(word)!a}: must be a number, -1 when it is not known")
    least, most = 0 if column == 1 else -1, _MOST.get(column, value)
    if not least <= value <= most:
        raise SwfError(f"{field} is {word}: must be {least:.15g} to {most:.15g}")
    return value


def _why_not(values: list[float]) -> str | None:
    """The reason why there is nothing to simulate in this line; None: there is something."""
    if values[10] == _CANCELLED:
        return "cancelled"
    if values[10] in _PARTIAL:
        return "partial"
    if values[3] <= 0:
        return "without_run_time"
    return None if _processors(values) > 0 else "without_processors"


def _processors(values: list[float]) -> int:
    """Those that it got, or else those that it asked for."""
    return int(values[4] if values[4] > 0 else values[7])


def _job(number: int, values: list[float]) -> Job:
    processors, run_time = _processors(values), values[3]
    memory = next((each for each in (values[9], values[6]) if each > 0), 0.0)
    return Job(
        id=number,
        user=_name("user", values[11]),
        group=_name("group", values[12]),
        submitted=values[1],
        components=(Component(Amount(round(memory * _KB), MILLICORES_PER_CORE), processors),),
        work=Work(run_time * processors),
        estimate=values[8] if values[8] > 0 else None,
    )


def _name(kind: str, number: float) -> str:
    return f"{kind} {number:g}" if number >= 0 else f"{kind} unknown"
