"""A workload like that of the paper behind Zoe, for a cluster of any size.

Pace, Venzano, Carra, Michiardi, "Flexible Scheduling of Distributed Analytic Applications" (CCGrid
2017): a fifth of the applications are interactive; of the others, which are batch, four fifths are
elastic and one fifth is rigid. As there, applications come in bursts, have a few to some hundreds
of components of up to 6 cores and some dozens of GB, and run for a minute to a day. Most are small:
the quantiles have the shape of those of the batch jobs in Google's trace of 2011.
"""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from zoe_core.amount import MILLICORES_PER_CORE, Amount
from zoe_core.simulation.job import Component, Job
from zoe_core.simulation.work import Work

GB = 2**30
PAPERS_NODES = 100
PAPERS_NODE = Amount.of(128 * GB, 32)

_INTERACTIVE = 0.2
_ELASTIC = 0.8  # of those that are not interactive
_BURST = 20
"""Applications that come at the same moment, on average."""
_MOST_ESSENTIAL = 4
_LARGEST = 0.5
"""No application asks for more of the cluster, all its instances taken together."""

# Quantiles of components in one application, and of cores and GB for each.
_AT = (0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_COMPONENTS = (2, 8, 24, 80, 150, 400, 400)
_CORES = (0.5, 1, 2, 4, 6, 6, 6)
_MEMORY = (0.5, 2, 4, 13, 24, 32, 32)

_BATCH_SECONDS, _BATCH_SPREAD = 6000.0, 1.7
_SESSION_SECONDS, _SESSION_SPREAD = 1800.0, 1.0
_SHORTEST, _LONGEST = 60.0, 24 * 3600.0
"""Seconds; run times are lognormal in between, given by median and spread."""
_MISJUDGED = 0.5
"""Spread of the estimates about the run times, lognormal too: about two thirds are within a factor
of 1.65."""
_USERS, _GROUPS = 30, 5


def generate(
    count: int, load: float, nodes: int, node: Amount, rng: np.random.Generator
) -> list[Job]:
    """``count`` jobs by their submission, drawn by ``rng``, for ``nodes`` equal nodes.

    ``load`` is what they need of the scarcer of cores and memory, over what the cluster has while
    they are submitted: with 1 it can just be done.
    """
    jobs = [_job(number, node * nodes, rng) for number in range(1, count + 1)]
    needed = np.array([_use(each) for each in jobs]).sum(axis=0)
    there = np.array([node.memory, node.millicores]) * nodes
    span = float((needed / there).max()) / load
    moments = _moments(count, rng) * span
    return [
        replace(job, submitted=round(float(moment), 3))
        for job, moment in zip(jobs, moments, strict=True)
    ]


def _moments(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """When each comes, as a part of the whole time: bursts with exponential gaps between them."""
    bursts = np.sort(rng.integers(-(-count // _BURST), size=count))
    gaps = rng.exponential(size=bursts[-1] + 1) if count else np.empty(0)
    return np.asarray((np.cumsum(gaps) / gaps.sum())[bursts])


def _job(number: int, cluster: Amount, rng: np.random.Generator) -> Job:
    interactive = rng.random() < _INTERACTIVE
    elastic = not interactive and rng.random() < _ELASTIC
    essential = Component(_amount(rng), int(rng.integers(1, _MOST_ESSENTIAL, endpoint=True)))
    components = (essential,) if interactive else (essential, _others(elastic, cluster, rng))
    instances = sum(each.essential + each.elastic for each in components)
    seconds = _seconds(interactive, rng)
    user = min(int(rng.zipf(1.5)), _USERS)
    return Job(
        id=number,
        user=f"user {user}",
        group=f"group {user % _GROUPS}",
        submitted=0.0,
        components=components,
        work=Work(seconds * (1 if interactive else instances), divisible=not interactive),
        estimate=round(seconds * exp(rng.normal(0.0, _MISJUDGED)), 3),
    )


def _others(elastic: bool, cluster: Amount, rng: np.random.Generator) -> Component:
    amount = _amount(rng)
    count = min(round(_quantile(rng.random(), _COMPONENTS)), _at_most(cluster, amount))
    return Component(amount, 0, count) if elastic else Component(amount, count)


def _at_most(cluster: Amount, amount: Amount) -> int:
    parts = cluster.memory / amount.memory, cluster.millicores / amount.millicores
    return int(_LARGEST * min(parts))


def _amount(rng: np.random.Generator) -> Amount:
    """Large ones have much of both."""
    at = rng.random()
    cores = _quantile(at, _CORES)
    return Amount(round(_quantile(at, _MEMORY) * GB), round(cores * MILLICORES_PER_CORE))


def _quantile(at: float, values: tuple[float, ...]) -> float:
    """Between the known quantiles the logarithm is linear."""
    return exp(float(np.interp(at, _AT, [log(each) for each in values])))


def _seconds(interactive: bool, rng: np.random.Generator) -> float:
    median, spread = (
        (_SESSION_SECONDS, _SESSION_SPREAD) if interactive else (_BATCH_SECONDS, _BATCH_SPREAD)
    )
    drawn = median * exp(rng.normal(0.0, spread))
    return round(min(max(drawn, _SHORTEST), _LONGEST), 3)


def _use(job: Job) -> tuple[float, float]:
    """Byte-seconds and millicore-seconds that it takes."""
    demand, seconds = job.demand, job.run_time
    return demand.memory * seconds, demand.millicores * seconds
