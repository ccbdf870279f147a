"""What the master does with processes that are not its children: measure, signal and find them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import psutil

from zoe_master.backends.base import Usage

MARKER = "ZOE_INSTANCE"
"""The variable that marks all processes of an instance, however far they went from their parent."""


def signal_process(pid: int, number: signal.Signals, still: Callable[[], bool]) -> None:
    """Send a signal to a process that ``still`` knows again once it is pinned by a pidfd."""
    try:
        file = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if still():
            signal.pidfd_send_signal(file, number)
    except ProcessLookupError:
        pass  # it ended meanwhile
    finally:
        os.close(file)


def measure(shim: int) -> Usage | None:
    """The use of all processes below the shim, and the CPU time of those that ended before."""
    try:
        parent = psutil.Process(shim)
        ended = parent.cpu_times()
        below = parent.children(recursive=True)
    except psutil.NoSuchProcess:
        return None
    memory, cpu = 0, ended.children_user + ended.children_system
    for process in below:
        try:
            times = process.cpu_times()
            memory += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
        cpu += times.user + times.system + times.children_user + times.children_system
    return Usage(memory=memory, cpu_seconds=cpu)


def end_marked(name: str) -> None:
    """Kill what a shim that was killed itself has left behind of the instance ``name``."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == name:
                process.kill()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
