"""``zoe-admin simulate``: its options; what it does is in ``simulation``, which needs an extra."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from zoe_client.cli._run import json_option
from zoe_client.cli.admin.asking import BadOption, Number, Picture, Whole, needing

_MOST_NODES = 10_000
_MOST_JOBS = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed; of ``swf``, ``history`` and ``generate`` one is not None."""

    swf: str | None
    history: str | None
    generate: int | None
    elastic_share: float
    load_factor: float
    seed: int
    nodes: int
    cores: float
    memory_gb: float
    policy: str
    placement: str
    plot: Path | None
    as_json: bool


@click.command(short_help="run a workload through the scheduler in virtual time")
@click.option(
    "--swf",
    metavar="FILE",
    help="The workload: a trace in the Standard Workload Format, also compressed with gzip, - for "
    "standard input. A job of n processors is n instances of one core.",
)
@click.option(
    "--history",
    metavar="FILE",
    help="Or what ran here: the address of the portal, such as https://hub.example.org/services/"
    "zoe/, with a token in ZOE_TOKEN; or a file of executions as REST gives them, one JSON object "
    "a line, - for standard input.",
)
@click.option(
    "--generate",
    type=Whole(1, _MOST_JOBS),
    metavar="JOBS",
    help="Or so many jobs of a mix of interactive, elastic and rigid ones, that need about as much "
    "as the cluster has.",
)
@click.option(
    "--elastic-share",
    type=Number(0, 1),
    default=0.0,
    metavar="F",
    help="Make this share, 0 to 1, of the jobs of two or more processors elastic: one essential "
    "instance, and the same work; only with --swf.",
)
@click.option(
    "--load-factor",
    type=Number(0.01, 1e6),
    default=1.0,
    metavar="X",
    help="Divide the gaps between submissions by X; default: 1.",
)
@click.option(
    "--seed",
    type=Whole(0, 2**63 - 1),
    default=0,
    metavar="S",
    help="Of all that is drawn; default: 0.",
)
@click.option("--nodes", type=Whole(1, _MOST_NODES), default=100, metavar="N", help="Default: 100.")
@click.option(
    "--cores",
    type=Number(0.001, 100_000),
    default=32.0,
    metavar="C",
    help="Of each node; default: 32.",
)
@click.option(
    "--memory-gb",
    type=Number(0.001, 2**20),
    default=128.0,
    metavar="M",
    help="Of each node, in units of 2**30 bytes; default: 128.",
)
@click.option("--policy", default="hrrn", metavar="P", help="Default: hrrn.")
@click.option("--placement", default="spread", metavar="L", help="Default: spread.")
@click.option(
    "--plot", type=Picture(), metavar="FILE", help="Draw the results: FILE.png or FILE.html."
)
@json_option
def simulate(**given: Any) -> None:
    """Run a workload through the real scheduler in virtual time.

    Says how long jobs waited and how well the cluster was used. Equal arguments give equal results.
    """
    options = Options(**given)
    workloads = (("--swf", options.swf), ("--history", options.history))
    named = [name for name, value in (*workloads, ("--generate", options.generate)) if value]
    if not named:
        raise BadOption("one of --swf, --history and --generate is needed")
    if len(named) > 1:
        raise BadOption(f"{' and '.join(named)}: give one of them")
    with needing("simulate", "numpy", "matplotlib"):
        from zoe_client.cli.admin.simulation import run_simulation

        run_simulation(options)
