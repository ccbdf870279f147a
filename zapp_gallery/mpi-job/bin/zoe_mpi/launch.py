"""Builds mpirun's command line: hosts, slots, and what loopback addresses need."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence

AGENT = "zoe-mpi-agent"  # found on PATH: mpirun splits what it is given at blanks

# Processes of one machine talk over its loopback interface; by default Open MPI avoids that.
_ONE_MACHINE = ["--mca", "btl_tcp_if_include", "lo", "--mca", "mpi_yield_when_idle", "1"]


def is_loopback(host: str) -> bool:
    """Say whether ``host`` is written as an address of this machine only, 127.x.y.z."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def spread(ranks: int, workers: Sequence[str]) -> dict[str, int]:
    """Return the ranks of each worker, as even as can be; workers without one are left out."""
    share, rest = divmod(ranks, len(workers))
    counts = {worker: share + (number < rest) for number, worker in enumerate(workers)}
    return {worker: count for worker, count in counts.items() if count}


def mpirun(ranks: int, workers: Sequence[str], program: Sequence[str]) -> list[str]:
    """Return the command that runs ``program``, in ``ranks`` ranks, on ``workers``.

    ``python3 -m mpi4py`` aborts all ranks when one ends with an exception (mpi4py.run).
    """
    hosts = ",".join(f"{worker}:{count}" for worker, count in spread(ranks, workers).items())
    options = ["--prtemca", "plm_ssh_agent", AGENT, "--prtemca", "plm_ssh_no_tree_spawn", "1"]
    options += ["--bind-to", "none", "--map-by", ":OVERSUBSCRIBE"]
    options += ["--mca", "osc", "^ucx"]  # the wheel's complains on each use, and is not needed
    if os.geteuid() == 0:
        options.append("--allow-run-as-root")
    if any(is_loopback(worker) for worker in workers):
        options += _ONE_MACHINE
    return [
        "mpirun", *options, "--host", hosts, "-n", str(ranks), "python3", "-m", "mpi4py", *program
    ]  # fmt: skip
