"""How long the scheduler thinks when one request comes, and when room for a hundred comes free.

    python benchmarks/schedule.py [--json]

Needs nothing but the core, and takes about five minutes. README.md says what is measured.
"""

from __future__ import annotations

import argparse
import os

from support.figures import Report, quantiles
from support.full_cluster import FullCluster

from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionView

NODES, QUEUE = 1000, 10_000
MORE_NODES = (10, 100, 10_000)
MORE_QUEUES = (10, 100, 1000, 100_000)
SUBMISSIONS = 100
STARTS = 20
AT_ONCE = 100


def main() -> None:
    """Measure, and print each result as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    report = Report(
        ("case", "nodes", "queue", "p50_ms", "p99_ms", "started"),
        as_json=parser.parse_args().json,
    )
    sizes = [(NODES, QUEUE)]
    sizes += [(nodes, QUEUE) for nodes in MORE_NODES]
    sizes += [(NODES, queue) for queue in MORE_QUEUES]
    for nodes, queue in sizes:
        measure(nodes, queue, report)
    report.note(f"Load of the machine over the last minute: {os.getloadavg()[0]:.1f}")


def measure(nodes: int, queue: int, report: Report) -> None:
    """Both cases, on one cluster."""
    cluster = FullCluster(nodes, queue)
    for case, times, one in (
        ("full", SUBMISSIONS, submit_one),
        ("start100", STARTS, start_a_hundred),
    ):
        measured = [one(cluster) for _ in range(times)]
        started = sorted(number for _, number in measured)[times // 2]
        figures = quantiles([seconds for seconds, _ in measured])
        report.add({"case": case, "nodes": nodes, "queue": queue, **figures}, started=str(started))


def submit_one(cluster: FullCluster) -> tuple[float, int]:
    """A request joins the queue: seconds of the pass, and how many start."""
    seconds, plan = cluster.submit_one()
    cluster.settle()
    return seconds, len(plan.gangs)


def start_a_hundred(cluster: FullCluster) -> tuple[float, int]:
    """As much ends as the first of the queue need: seconds of the pass, and how many start."""
    seconds, plan = cluster.end(holding(cluster, wanted(cluster)))
    cluster.settle()
    return seconds, len(plan.gangs)


def wanted(cluster: FullCluster) -> Amount:
    """What the first hundred of the queue reserve, of memory and cores."""
    needed = sum((cluster.demand(each) for each in cluster.queue[:AT_ONCE]), Amount())
    return Amount(needed.memory, needed.millicores)


def holding(cluster: FullCluster, amount: Amount) -> list[ExecutionView]:
    """The oldest that run and together hold ``amount``; all, if they do not."""
    held = Amount()
    found: list[ExecutionView] = []
    for execution in cluster.running:
        if amount.fits_in(held):
            break
        found.append(execution)
        held += cluster.demand(execution)
    return found


if __name__ == "__main__":
    main()
