"""One run of the simulator: a workload on a cluster, and what became of each job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from zoe_core.amount import Amount
from zoe_core.cluster import Node, Snapshot
from zoe_core.scheduling import Scheduler, SchedulingSettings, StartRules
from zoe_core.simulation.job import BEGINNING, Job
from zoe_core.simulation.world import Decider, World


@dataclass(frozen=True, slots=True)
class Life:
    """When a job started and ended, in seconds from the beginning; None: it never did."""

    job: Job
    started: float | None
    ended: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a workload.

    ``used`` says what running instances reserve from a moment on, in seconds from the beginning.
    ``capacity`` is that of all nodes together.
    """

    lives: tuple[Life, ...]
    used: tuple[tuple[float, Amount], ...]
    capacity: Amount


def simulate(
    jobs: Sequence[Job],
    nodes: Iterable[Node],
    settings: SchedulingSettings,
    *,
    scheduler: Callable[[Snapshot, SchedulingSettings], Decider] = Scheduler,
) -> Run:
    """Let all jobs come, and time pass until nothing happens any more."""
    snapshot = Snapshot.of(nodes, (), ())
    world = World(snapshot, settings, StartRules(), BEGINNING, scheduler=scheduler)
    for job in jobs:
        world.submit(job.execution(), job.work)
    used = []
    while world.step():
        used.append(((world.now - BEGINNING).total_seconds(), world.used))
    capacity = sum((each.capacity for each in snapshot.nodes.values()), Amount())
    return Run(tuple(_life(job, world) for job in jobs), tuple(used), capacity)


def _life(job: Job, world: World) -> Life:
    started, ended = world.started.get(job.id), world.ended.get(job.id)
    return Life(
        job,
        None if started is None else (started - BEGINNING).total_seconds(),
        None if ended is None else (ended - BEGINNING).total_seconds(),
    )
