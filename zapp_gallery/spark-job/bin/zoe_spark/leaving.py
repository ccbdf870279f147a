"""Lets a worker leave its cluster: it hands its data on, and ends when it has no executor left.

Spark's worker is decommissioned by SIGPWR: it gets no more work, and its executors finish their
tasks, copy their blocks to others, and end. The worker itself would stay for ever.
"""

from __future__ import annotations

import glob
import signal
import threading
import time

from zoe_spark.child import Child

_DELAY = 0.5  # seconds between two looks


def leave(worker: Child) -> None:
    """Decommission the worker; return at once, it ends later."""
    worker.send_signal(signal.SIGPWR)
    threading.Thread(target=_end_when_alone, args=(worker,), daemon=True).start()


def has_children(pid: int) -> bool:
    """Whether a process has any that run; each of its threads may have started some (proc(5)).

    Spark's start script leaves one behind that has ended and is waited for by nobody.
    """
    lists = glob.glob(f"/proc/{pid}/task/*/children")
    return any(_runs(child) for each in lists for child in _read(each).split())


def _end_when_alone(worker: Child) -> None:
    while has_children(worker.pid):
        time.sleep(_DELAY)
    worker.terminate()


def _runs(pid: str) -> bool:
    """The state comes after the name in brackets, which may hold brackets itself."""
    state = _read(f"/proc/{pid}/stat").rpartition(")")[2].lstrip()[:1]
    return state not in ("", "Z", "X")


def _read(name: str) -> str:
    try:
        with open(name, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # the process, or the thread, has ended
        return ""
