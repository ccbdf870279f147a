"""Reads a workload, runs it in virtual time, shows what came of it: ``zoe-admin simulate``."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from zoe_client.cli.admin.asking import BadOption
from zoe_client.cli.admin.report import table
from zoe_client.cli.admin.simulate import Options
from zoe_client.cli.admin.workloads import Workload, read_workload
from zoe_core.amount import Amount
from zoe_core.scheduling import SchedulingSettings
from zoe_core.scheduling.placement import BestFit, Pack, Spread
from zoe_core.scheduling.policies import Fair, Fifo, Hrrn, Size
from zoe_core.simulation import at_load, equal_nodes, metrics, simulate

_POLICIES = {"fair": Fair, "fifo": Fifo, "hrrn": Hrrn, "size": Size}
_PLACEMENTS = {"best_fit": BestFit, "pack": Pack, "spread": Spread}


def run_simulation(options: Options) -> None:
    """Do what the options say. Raises BadOption."""
    settings = SchedulingSettings(
        policy=_chosen("policy", options.policy, "zoe.policies", _POLICIES)(),
        placement=_chosen("placement", options.placement, "zoe.placements", _PLACEMENTS)(),
    )
    node = Amount.of(round(options.memory_gb * 2**30), options.cores)
    workload = read_workload(options, node, np.random.default_rng(options.seed))
    jobs = at_load(workload.jobs, options.load_factor)
    try:
        run = simulate(jobs, equal_nodes(options.nodes, node), settings)
    except OverflowError:
        raise BadOption(
            f"{workload.source}: its jobs take beyond the year 9999 here: must be shorter or "
            "fewer, or have more --nodes or --cores"
        ) from None
    figures = {**_setting(options, workload), **metrics(run)}
    if options.plot is not None:
        from zoe_client.cli.admin.plot import draw  # drawing is slow to load

        _save(options, draw, run, figures)
    print(json.dumps(figures) if options.as_json else table(figures))


def _setting(options: Options, workload: Workload) -> dict[str, Any]:
    """What was simulated, so that a result can be told from others and repeated."""
    return {
        "workload": workload.source,
        "skipped": workload.skipped,
        "nodes": options.nodes,
        "cores": options.cores,
        "memory_gb": options.memory_gb,
        "policy": options.policy,
        "placement": options.placement,
        "elastic_share": options.elastic_share,
        "load_factor": options.load_factor,
        "seed": options.seed,
    }


def _chosen(option: str, name: str, group: str, known: dict[str, Any]) -> Any:
    """The class of that name: one of ours, or one that a site has added."""
    added = {each.name: each for each in entry_points(group=group)}
    if name in known:
        return known[name]
    if name in added:
        return added[name].load()
    choices = ", ".join(sorted({*known, *added}))
    raise BadOption(f"--{option}: is {name!r}: must be one of {choices}")


def _save(options: Options, draw: Any, run: Any, figures: dict[str, Any]) -> None:
    try:
        draw(options.plot, run, figures)
    except OSError as error:
        raise BadOption(
            f"--plot: is {str(options.plot)!r}: cannot be written: {error.strerror}"
        ) from None
