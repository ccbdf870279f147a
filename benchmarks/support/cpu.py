"""How much CPU the parts of a running Zoe take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import psutil

from support.figures import Figures

_PORTAL = "zoe_hub.portal.app:main"


@contextmanager
def cpu_of(pids: Mapping[str, int]) -> Iterator[Figures]:
    """Fill in, at the end, ``hub_cpu_s``, ``portal_cpu_s``, …: seconds of CPU in the block.

    They depend less on what else the machine does than times do. ``pids`` are of the Hub, which the
    portal and Postgres are children of, and of the master.
    """
    found: Figures = {}
    before = _parts(pids)
    yield found
    for name, seconds in _parts(pids).items():
        found[f"{name}_cpu_s"] = round(seconds - before[name], 1)


def _parts(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of CPU until now. Postgres counts with its children, also those that have ended."""
    parts = {name: _own(psutil.Process(pid)) for name, pid in pids.items()}
    for child in psutil.Process(pids["hub"]).children():
        if _PORTAL in child.cmdline():
            parts["portal"] = _own(child)
        elif child.name() == "postgres":
            times = child.cpu_times()
            ended = times.children_user + times.children_system
            parts["postgres"] = _own(child) + ended + sum(map(_own, child.children()))
    return parts


def _own(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0
