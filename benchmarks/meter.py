"""What it costs the master to measure all instances once, and what the samples take.

    python benchmarks/meter.py [--json]

Needs nothing but the fake back-end, and takes about a minute. README.md says what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import tempfile
import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any

from support.figures import Report

from zoe_core.amount import Amount
from zoe_core.cluster import (
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Observed,
    Snapshot,
)
from zoe_core.zapp import SiteDefaults, parse_zapp
from zoe_master.backends.base import InstanceSpec, Usage
from zoe_master.backends.fake import FakeBackend
from zoe_master.engine.meter import Meter
from zoe_master.engine.samples import MOST, Samples
from zoe_master.engine.turns import Turn

NODES = 100
COUNTS = (100, 1000, 10_000)
SLOW = 0.5
HANGING = 5
STARTED = datetime(2026, 11, 2, tzinfo=UTC)


class Engine(FakeBackend):
    """``pause``: seconds until an answer; ``hanging``: nodes of which none comes."""

    pause = 0.0
    hanging: frozenset[str] = frozenset()

    def usage(self, instance: InstanceId) -> Usage | None:
        """What the fake engine says, after a while."""
        if f"node-{instance.execution_id % NODES}" in self.hanging:
            time.sleep(3600)
        if self.pause:
            time.sleep(self.pause)
        return super().usage(instance)


class Noting(Meter):
    """Notes what was measured."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.noted: list[InstanceId] = []

    def _take_in(self, turn: Turn, usage: Usage) -> None:
        super()._take_in(turn, usage)
        self.noted.append(turn.instance)


def main() -> None:
    """Measure, and print each result as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    columns = ("case", "instances", "round_ms", "cpu_ms", "loop_ms", "threads")
    report = Report(columns, as_json=parser.parse_args().json)
    for count in COUNTS:
        asyncio.run(measure("quick", count, report))
    asyncio.run(measure("slow", COUNTS[1], report, pause=SLOW))
    asyncio.run(measure("hanging", COUNTS[1], report, hanging=HANGING))
    report.note(f"Bytes of one attempt with all its samples: {bytes_of_one()}")
    report.note(f"Load of the machine over the last minute: {os.getloadavg()[0]:.1f}")


async def measure(
    case: str, count: int, report: Report, pause: float = 0.0, hanging: int = 0
) -> None:
    """One round of all."""
    with tempfile.TemporaryDirectory() as directory:
        backend = Engine(deployment="benchmark", directory=directory, node_count=NODES)
        snapshot = running(backend, count)
        backend.pause = pause
        backend.hanging = frozenset(f"node-{each}" for each in range(hanging))
        log = logging.getLogger("benchmark")
        meter = Noting(backend=backend, defaults=SiteDefaults(), snapshot=lambda: snapshot, log=log)
        wanted = count - count * hanging // NODES
        began, cpu = time.perf_counter(), time.process_time()
        meter._begin_what_is_due(time.monotonic())
        loop, threads = time.perf_counter() - began, meter._turns._threads
        while len(meter.noted) < wanted:  # noqa: ASYNC110 -- threads note it
            await asyncio.sleep(0.005)
        figures = {
            "round_ms": round(1000 * (time.perf_counter() - began), 1),
            "cpu_ms": round(1000 * (time.process_time() - cpu), 1),
            "loop_ms": round(1000 * loop, 2),
            "threads": threads,
        }
        report.add({"case": case, "instances": count, **figures})
        meter._turns.close()
        backend.close()


def running(backend: FakeBackend, count: int) -> Snapshot:
    """So many executions of one instance each, over all nodes."""
    service = {"name": "main", "image": "test", "monitor": True, "total_count": 1}
    document = {"name": "app", "version": 4, "services": [{**service, "essential_count": 1}]}
    zapp = parse_zapp(document).zapp
    executions, instances = [], []
    for number in range(count):
        one, node = InstanceId(number, "main", 0), f"node-{number % NODES}"
        held = Amount.of(2**30, 1)
        backend.start(InstanceSpec(one, node, "test", None, {}, held, "/", "alice"))
        executions.append(
            ExecutionView(number, "alice", "app", zapp, ExecutionStatus.RUNNING, STARTED)
        )
        instances.append(
            InstanceView(
                one,
                node,
                held,
                essential=True,
                monitor=True,
                observed=Observed.RUNNING,
                started_at=STARTED,
            )
        )
    return Snapshot.of((), executions, instances)


def bytes_of_one() -> int:
    """What the samples of an attempt take at most."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    samples = Samples(0.0)
    for each in range(1, MOST + 1):
        samples.add(5.0 * each, Usage(2**30 + each, 2.5 * each))
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken


if __name__ == "__main__":
    main()
