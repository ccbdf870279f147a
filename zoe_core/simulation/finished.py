"""Workloads from executions that have finished, as Zoe's REST interface tells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from zoe_core.amount import Amount
from zoe_core.protocol.rest import Execution, Instance
from zoe_core.simulation.job import Component, Job
from zoe_core.simulation.work import Work


@dataclass(frozen=True, slots=True)
class PastWorkload:
    """The jobs that ran here, by their submission, and how many were left out, by reason."""

    jobs: tuple[Job, ...]
    skipped: Mapping[str, int]


def from_history(executions: Iterable[Execution]) -> PastWorkload:
    """What finished executions asked for, and did: the time that their instances ran is their work.

    A Jupyter server takes the time that it took, whatever it gets. The run time of each is its
    estimate. Of one that comes twice the last counts. Elastic instances that never came, limits and
    priorities are not known.
    """
    jobs: list[Job] = []
    skipped: Counter[str] = Counter()
    found = {each.id: each for each in executions}
    ordered = sorted(found.values(), key=lambda each: (each.submitted_at, each.id))
    for each in ordered:
        started, ended = each.started_at, each.ended_at
        if started is None or ended is None or ended <= started:
            skipped["did_not_run"] += 1
        elif not each.instances:
            skipped["without_instances"] += 1
        else:
            jobs.append(_job(each, ordered[0].submitted_at, started, ended))
    return PastWorkload(tuple(jobs), dict(sorted(skipped.items())))


def _job(execution: Execution, first: datetime, started: datetime, ended: datetime) -> Job:
    return Job(
        id=execution.id,
        user=execution.user,
        submitted=(execution.submitted_at - first).total_seconds(),
        components=_components(execution.instances),
        work=_work(execution, started, ended),
        estimate=(ended - started).total_seconds(),
    )


def _work(execution: Execution, started: datetime, ended: datetime) -> Work:
    if execution.server_name is not None:  # a person at a notebook
        return Work((ended - started).total_seconds(), divisible=False)
    return Work(sum(_seconds(each, started, ended) for each in execution.instances))


def _components(instances: Sequence[Instance]) -> tuple[Component, ...]:
    counts: dict[tuple[str, Amount], list[int]] = {}
    for each in instances:
        resources = each.resources
        amount = Amount.of(resources.memory, resources.cores, resources.gpus)
        counts.setdefault((each.service, amount), [0, 0])[not each.essential] += 1
    return tuple(
        Component(amount, essential, elastic)
        for (_, amount), (essential, elastic) in counts.items()
    )


def _seconds(instance: Instance, started: datetime, ended: datetime) -> float:
    """How long its newest attempt ran while the execution did."""
    begin = max(started, instance.started_at or started)
    end = min(ended, instance.ended_at or ended)
    return max(0.0, (end - begin).total_seconds())
