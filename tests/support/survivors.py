"""Finds out which processes still run; a zombie that nobody has reaped does not."""

from collections.abc import Iterable

import psutil


def is_running(process: psutil.Process) -> bool:
    """Whether this very process (not a later one with its pid) still executes."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def survivors(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those of `processes` that still run."""
    return [process for process in processes if is_running(process)]


def family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]
