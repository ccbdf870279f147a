"""How long the simulator takes for 10,000 jobs on 100 nodes.

    python benchmarks/simulate.py [--json] [--jobs N]

Needs nothing but the core, and takes some minutes. README.md says what is measured.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from support.figures import Figures, Report

from zoe_core.amount import Amount
from zoe_core.scheduling import SchedulingSettings
from zoe_core.scheduling.policies import Hrrn
from zoe_core.simulation import at_load, equal_nodes, make_elastic, read_swf, simulate

JOBS, NODES = 10_000, 100
NODE = Amount.of(128 * 2**30, 32)

MOST_DOUBLINGS = 7
"""A job has 1 to 128 processors, each power of two as often as the others."""
SECONDS, SPREAD = 600, 1.5
"""Run times are lognormal: their median and the spread of their logarithm."""
GAP = 20.0
"""Seconds between submissions on average, so that jobs need about nine tenths of the cluster."""
BARE_PENDING = 1000
"""Events that are to come at any time in the bare loop."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is done to the trace; see ``zoe-admin simulate``."""

    elastic_share: float
    load_factor: float


CASES = {"rigid": Case(0.0, 1.0), "elastic": Case(0.3, 1.2)}


def main() -> None:
    """Measure, and print each result as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--jobs", type=int, default=JOBS, help=f"fewer are a quick look (default: {JOBS})"
    )
    options = parser.parse_args()
    columns = ("case", "jobs", "nodes", "seconds", "cpu_seconds", "events_per_s", "ratio")
    report = Report(columns, as_json=options.json)
    report.note(f"load of the machine: {os.getloadavg()[0]:.2f}")
    for name, case in CASES.items():
        report.add(measure(name, case, options.jobs))


def measure(name: str, case: Case, count: int) -> Figures:
    """One run; an event is a moment of virtual time at which something happens."""
    jobs = read_swf(trace(count)).jobs
    chosen = make_elastic(jobs, case.elastic_share, np.random.default_rng(0))
    wall, cpu = time.perf_counter(), time.process_time()
    run = simulate(
        at_load(chosen, case.load_factor), equal_nodes(NODES, NODE), SchedulingSettings(Hrrn())
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if any(each.ended is None for each in run.lives):
        raise SystemExit(f"{name}: some jobs did not end")
    events = len(run.used)
    rate, bare = events / cpu, bare_rate(events)
    return {
        "case": name,
        "jobs": count,
        "nodes": NODES,
        "seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "events_per_s": round(rate, 1),
        "bare_per_s": round(bare, 1),
        "ratio": float(f"{rate / bare:.2g}"),
    }


def trace(count: int) -> Iterator[str]:
    """Jobs in the Standard Workload Format, the same each time; half as much time again is asked
    for as is needed."""
    rng = np.random.default_rng(1)
    submitted = np.cumsum(rng.exponential(GAP, count))
    seconds = SECONDS * np.exp(rng.normal(0.0, SPREAD, count)) + 1
    processors = 2 ** rng.integers(MOST_DOUBLINGS, size=count, endpoint=True)
    users = rng.integers(50, size=count)
    for number in range(count):
        ran, asked = int(seconds[number]), int(1.5 * seconds[number])
        yield (
            f"{number + 1} {int(submitted[number])} -1 {ran} {processors[number]} -1 -1 "
            f"{processors[number]} {asked} -1 1 {users[number]} 1 -1 -1 -1 -1 -1"
        )


def bare_rate(count: int) -> float:
    """Events a second of CPU time in a loop that does nothing but take the next event off a heap
    and put another one on it."""
    random = np.random.default_rng(2).random(count).tolist()
    agenda = random[:BARE_PENDING]
    heapify(agenda)
    begin = time.process_time()
    for each in random:
        heappush(agenda, heappop(agenda) + each)
    return count / (time.process_time() - begin)


if __name__ == "__main__":
    main()
