"""Starts the shim of an instance, and waits until it has taken the instance on."""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zoe_master.backends.base import Retry
from zoe_master.backends.process import shim

if TYPE_CHECKING:
    from zoe_master.backends.process.files import InstanceFiles
    from zoe_master.backends.process.shim import Order

_ERRORS = "shim.err"

# As an import the shim comes out of the byte-code cache, as a script it would be compiled at each
# start. Without site packages and variables Python starts faster, and nothing leads it astray.
_PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); import shim; shim.main()"
_COMMAND = [sys.executable, "-I", "-S", "-c", _PROGRAM, os.path.dirname(shim.__file__)]


def launch(files: InstanceFiles, order: Order) -> None:
    """Start the shim of an instance, unless it has one, or had one. Raises Retry.

    What is secret goes through a pipe. When this returns, the command has been executed, or
    the shim knows that it cannot be.
    """
    orders, to_shim = os.pipe()
    from_shim, answers = os.pipe()
    try:
        with files.lent_to_shim() as lock:
            pid = _spawn(files.directory, orders, answers, lock)
    except OSError as error:
        os.close(to_shim)
        os.close(from_shim)
        raise Retry(f"No process can be started: {error.strerror}.") from error
    finally:
        os.close(orders)
        os.close(answers)
    # The shim says on its standard error why it does not listen.
    with contextlib.suppress(BrokenPipeError), open(to_shim, "wb") as pipe:
        pipe.write(marshal.dumps(dict(order)))
    with open(from_shim, "rb") as pipe:
        answer = pipe.read()
    if answer == shim.STARTED:
        return
    os.waitpid(pid, 0)
    if answer != shim.EXISTS:
        why = _last_line(files.directory / _ERRORS)
        raise Retry(f"The supervisor of the instance did not start: {why}")


def _spawn(directory: Path, orders: int, answers: int, lock: int) -> int:
    """Run the shim in a session of its own, so that no Ctrl-C and no hang-up of ours reaches it."""
    errors = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        sys.executable,
        [*_COMMAND, str(directory)],
        {},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, orders, 0),
            (os.POSIX_SPAWN_DUP2, answers, 1),
            (os.POSIX_SPAWN_OPEN, 2, str(directory / _ERRORS), errors, 0o600),
            (os.POSIX_SPAWN_DUP2, lock, shim.LOCK),
        ],
        setsid=True,
        setsigmask=[],
        # All: what `nohup` or a shell's `&` has us ignore is not ignored by what people run.
        setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
    )


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        return str(error.strerror)
    return lines[-1] if lines else "it was killed"
