"""The real scheduler in virtual time: workloads, a world to run them in, and what came of it."""

from zoe_core.simulation.finished import PastWorkload, from_history
from zoe_core.simulation.generate import PAPERS_NODE, PAPERS_NODES, generate
from zoe_core.simulation.job import BEGINNING, Component, Job, at_load, equal_nodes
from zoe_core.simulation.metrics import metrics, spread
from zoe_core.simulation.run import Life, Run, simulate
from zoe_core.simulation.swf import SwfError, SwfWorkload, make_elastic, read_swf
from zoe_core.simulation.work import Work
from zoe_core.simulation.world import Decider, World

__all__ = [
    "BEGINNING",
    "PAPERS_NODE",
    "PAPERS_NODES",
    "Component",
    "Decider",
    "Job",
    "Life",
    "PastWorkload",
    "Run",
    "SwfError",
    "SwfWorkload",
    "Work",
    "World",
    "at_load",
    "equal_nodes",
    "from_history",
    "generate",
    "make_elastic",
    "metrics",
    "read_swf",
    "simulate",
    "spread",
]
