"""The options of ``zoe-admin simulate``, checked as far as one alone can be wrong."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import isfinite
from pathlib import Path

PLOTS = (".png", ".html")
_MOST_NODES = 10_000
_MOST_JOBS = 1_000_000


class BadOption(Exception):
    """What was given cannot be used; the message names the option, the value and what would do."""


def add_simulate_options(parser: argparse.ArgumentParser) -> None:
    """Declare them all."""
    _add_workload(parser.add_argument_group("the workload, one of"))
    _add_changes(parser.add_argument_group("changes to it"))
    _add_cluster(parser.add_argument_group("the cluster and its scheduler"))
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="one JSON object for programs")
    output.add_argument(
        "--plot", type=_plot, metavar="FILE", help="draw the results: FILE.png or FILE.html"
    )


def _add_workload(group: argparse._ArgumentGroup) -> None:
    one = group.add_mutually_exclusive_group(required=True)
    one.add_argument(
        "--swf",
        metavar="FILE",
        help="a trace in the Standard Workload Format, also compressed with gzip, - for standard "
        "input: a job of n processors is n instances of one core",
    )
    one.add_argument(
        "--history",
        metavar="FILE",
        help="what ran here: the address of the portal, such as https://hub.example.org/services/"
        "zoe/, with a token in ZOE_TOKEN; or a file of executions as REST gives them, one JSON "
        "object a line, - for standard input",
    )
    one.add_argument(
        "--generate",
        type=_whole(1, _MOST_JOBS),
        metavar="JOBS",
        help="so many jobs of a mix of interactive, elastic and rigid ones, that need about as "
        "much as the cluster has",
    )


def _add_changes(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--elastic-share",
        type=_number(0, 1),
        default=0.0,
        metavar="F",
        help="make this share, 0 to 1, of the jobs of two or more processors elastic: one "
        "essential instance, and the same work (only with --swf)",
    )
    group.add_argument(
        "--load-factor",
        type=_number(0.01, 1e6),
        default=1.0,
        metavar="X",
        help="divide the gaps between submissions by X (default: 1)",
    )
    group.add_argument(
        "--seed",
        type=_whole(0, 2**63 - 1),
        default=0,
        metavar="S",
        help="of all that is drawn (default: 0)",
    )


def _add_cluster(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--nodes", type=_whole(1, _MOST_NODES), default=100, metavar="N", help="default: 100"
    )
    group.add_argument(
        "--cores",
        type=_number(0.001, 100_000),
        default=32.0,
        metavar="C",
        help="of each node (default: 32)",
    )
    group.add_argument(
        "--memory-gb",
        type=_number(0.001, 2**20),
        default=128.0,
        metavar="M",
        help="of each node, in units of 2**30 bytes (default: 128)",
    )
    group.add_argument("--policy", default="hrrn", metavar="P", help="default: hrrn")
    group.add_argument("--placement", default="spread", metavar="L", help="default: spread")


def _whole(least: int, most: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"is {text!r}: must be a whole number, {least} to {most}"
            )
        return value

    return check


def _number(least: float, most: float) -> Callable[[str], float]:
    def check(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not (isfinite(value) and least <= value <= most):
            raise argparse.ArgumentTypeError(
                f"is {text!r}: must be a number, {least:.15g} to {most:.15g}"
            )
        return value

    return check


def _plot(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in PLOTS:
        raise argparse.ArgumentTypeError(f"is {text!r}: must end in {' or '.join(PLOTS)}")
    return path
