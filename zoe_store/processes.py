"""Ties child processes to the life of their parent, so that a kill -9 orphans nothing (Linux)."""

import ctypes
import os
import pkgutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Loaded before any fork: the child of a fork must not import or take locks.
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, signum: signal.Signals = signal.SIGTERM) -> None:
    """Let the kernel send `signum` to this process when its parent, pid `parent`, ends.

    The kernel means the parent's *thread* that started this process, not the whole parent.
    Ends this process at once when the parent is gone already: then no signal would ever come.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:
        os.kill(os.getpid(), signum)


def start_child(
    command: Sequence[str], *, death_signal: signal.Signals, **options: Any
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; it gets `death_signal` when this process ends.

    `options` are those of `subprocess.Popen`. A session of its own keeps the terminal's Ctrl-C
    away from the child: we stop it ourselves, in the right order.
    Raises RuntimeError outside the main thread, whose end would signal the child too early.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a child that lives as long as this process needs its main thread")
    parent = os.getpid()
    return subprocess.Popen(
        command,
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(parent, death_signal),
        **options,
    )


def stop_child(child: subprocess.Popen[bytes], *signals: signal.Signals, grace: float) -> None:
    """Send each of `signals` in turn, waiting `grace` seconds after each, then SIGKILL."""
    for signum in signals:
        if child.poll() is not None:
            return
        child.send_signal(signum)
        try:
            child.wait(grace)
            return
        except subprocess.TimeoutExpired:
            continue
    child.kill()
    child.wait()


def child_command(program: str) -> list[str]:
    """The command of a Python child that gets SIGHUP when this process ends.

    For children that a library starts for us. `program` names a function that needs no argument,
    as entry points do: `zoe_master.app:main`.
    """
    return [sys.executable, "-m", __name__, str(os.getpid()), program]


def _run_child() -> None:
    _, parent, program = sys.argv
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup leaves it ignored
    die_with_parent(int(parent), signal.SIGHUP)
    sys.argv = [program]
    pkgutil.resolve_name(program)()


if __name__ == "__main__":
    _run_child()
