"""How long applications take under each policy, and under three schedulers to compare with.

    python benchmarks/policies.py [--json] [--jobs N]

All in virtual time, so the figures do not depend on the machine. README.md says what is compared.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
from support.baselines import Blocking, Overtaking
from support.documents import markdown_table, replace_between
from support.figures import Figures, Report

from zoe_core.cluster import Snapshot
from zoe_core.scheduling import Scheduler, SchedulingSettings
from zoe_core.scheduling.policies import Fair, Fifo, Hrrn, Policy, Size
from zoe_core.simulation import (
    PAPERS_NODE,
    PAPERS_NODES,
    Decider,
    equal_nodes,
    generate,
    metrics,
    simulate,
)

JOBS = 1000
LOADS = (1.0, 1.5, 2.0)
SEEDS = (1, 2, 3)
DOCUMENT = Path(__file__).parents[1] / "docs" / "scheduling.md"

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A scheduler with its policy; ``rigid``: it gets all jobs with all instances essential."""

    scheduler: Callable[[Snapshot, SchedulingSettings], Decider] = Scheduler
    policy: Callable[[], Policy] = Fifo
    rigid: bool = False


CONTENDERS = {
    "rigid-fifo": Contender(Blocking, rigid=True),
    "rigid-any": Contender(Overtaking, rigid=True),
    "flexible": Contender(Blocking),
    "fifo": Contender(policy=Fifo),
    "size": Contender(policy=Size),
    "hrrn": Contender(policy=Hrrn),
    "fair": Contender(policy=Fair),
}
COLUMNS = (
    "turnaround_mean_h",
    "turnaround_p50_h",
    "turnaround_p95_h",
    "wait_mean_h",
    "slowdown_mean",
    "slowdown_max",
    "cpu_used",
)

Case = tuple[str, float, int, int]
"""Contender, load, seed, number of jobs."""


def main() -> None:
    """Simulate, print each result as it comes, and write the table of the documentation."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--jobs",
        type=int,
        default=JOBS,
        help=f"in each run (default: {JOBS}); with another number the documentation stays",
    )
    options = parser.parse_args()
    report = Report(("policy", "load", "seed", *COLUMNS), as_json=options.json)
    cases = [
        (name, load, seed, options.jobs) for load in LOADS for seed in SEEDS for name in CONTENDERS
    ]
    results = []
    # Not forked: the children would share what the libraries have set up for threads.
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        for result in pool.imap(measure, cases):
            report.add(result)
            results.append(result)
    if options.jobs == JOBS:
        replace_between(DOCUMENT, "policies", documented(results))


def measure(case: Case) -> Figures:
    """One run."""
    name, load, seed, count = case
    contender = CONTENDERS[name]
    jobs = generate(count, load, PAPERS_NODES, PAPERS_NODE, np.random.default_rng(seed))
    run = simulate(
        [each.rigid() for each in jobs] if contender.rigid else jobs,
        equal_nodes(PAPERS_NODES, PAPERS_NODE),
        SchedulingSettings(policy=contender.policy()),
        scheduler=contender.scheduler,
    )
    figures = metrics(run)
    if figures["ended"] != count:
        raise SystemExit(f"{name}, load {load}, seed {seed}: {figures['ended']} of {count} ended")
    turnaround, slowdown = figures["turnaround"], figures["slowdown"]
    return {
        "policy": name,
        "load": load,
        "seed": seed,
        "turnaround_mean_h": round(turnaround["mean"] / _HOUR, 3),
        "turnaround_p50_h": round(turnaround["median"] / _HOUR, 3),
        "turnaround_p95_h": round(turnaround["p95"] / _HOUR, 3),
        "wait_mean_h": round(figures["waiting"]["mean"] / _HOUR, 3),
        "slowdown_mean": round(slowdown["mean"], 3),
        "slowdown_max": round(slowdown["max"], 1),
        "cpu_used": round(figures["utilisation"]["cores"], 3),
    }


def documented(results: Iterable[Figures]) -> str:
    """The table of the documentation: of each figure the median over the seeds."""
    groups: dict[tuple[str, str], list[Figures]] = {}
    for each in results:
        groups.setdefault((str(each["load"]), str(each["policy"])), []).append(each)
    rows = [
        (policy, load, *(f"{median(float(each[name]) for each in group):.2f}" for name in COLUMNS))
        for (load, policy), group in groups.items()
    ]
    said = (
        f"{JOBS} jobs in each run, offered loads {', '.join(map(str, LOADS))}, seeds "
        f"{', '.join(map(str, SEEDS))}; each figure is the median over the seeds."
    )
    return f"{said}\n\n{markdown_table(('policy', 'load', *COLUMNS), rows)}"


if __name__ == "__main__":
    main()
