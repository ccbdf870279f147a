"""The points between which a crash must neither lose, nor leak, nor double anything.

Each stands in the code where it is named, just before the next thing becomes visible to others.
The environment variable ``ZOE_CRASH_AT`` makes a process kill itself at one of them, so that a
test can show what is left behind: ``apply.started`` at the first time it is reached,
``apply.started@3`` at the third.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Mapping
from enum import StrEnum


class Checkpoint(StrEnum):
    """All of them, in the order of the life of an execution."""

    SUBMIT_WRITTEN = "submit.written"
    """The rows of a submission are written, and not committed."""
    SUBMIT_COMMITTED = "submit.committed"
    """A submission is durable; nobody was told."""
    SPAWN_STORED = "spawn.stored"
    """The execution of a Jupyter server is durable; JupyterHub does not know its id."""
    SPAWN_NOTED = "spawn.noted"
    """JupyterHub has noted the id; the spawner begins to wait."""
    WISH_COMMITTED = "wish.committed"
    """The wish to end an execution is durable; nobody was told."""
    OFFICE_TAKEN = "office.taken"
    """A master has the lock and a new epoch, and has done nothing yet."""
    STEP_DECIDED = "step.decided"
    """The master has decided; nothing of it is written down."""
    STEP_WRITTEN = "step.written"
    """A step is committed; neither the master's memory nor any effect knows of it."""
    APPLY_PREPARED = "apply.prepared"
    """What the instances of an execution share was made; no instance was."""
    PROCESS_CLAIMED = "process.claimed"
    """The process back-end has the directory of an instance, and no shim runs in it."""
    DOCKER_CREATED = "docker.created"
    """The docker back-end has created a container, and not started it."""
    APPLY_STARTED = "apply.started"
    """An instance was started; nobody has noted it."""
    PROCESS_ASKED = "process.asked"
    """The process back-end has left word for a shim to stop, and not signalled it."""
    APPLY_STOPPED = "apply.stopped"
    """An instance was asked to end; nobody has noted it."""
    APPLY_LOG_KEPT = "apply.log_kept"
    """The log of an ended instance was copied; the instance is still there."""
    APPLY_REMOVED = "apply.removed"
    """An ended instance was removed; what its execution shared is still there."""
    APPLY_RELEASED = "apply.released"
    """Nothing of an execution is left on the back-end; its end is not written down."""
    PURGE_LOGS_REMOVED = "purge.logs_removed"
    """The kept logs of an execution are gone; its rows are still there."""


def crash_point(environment: Mapping[str, str]) -> tuple[Checkpoint, int] | None:
    """Where ``ZOE_CRASH_AT`` says to crash, and at which time it is reached; None: nowhere.

    Raises ValueError when it names no checkpoint.
    """
    said = environment.get("ZOE_CRASH_AT")
    if not said:
        return None
    name, _, count = said.partition("@")
    return Checkpoint(name), int(count or 1)


_CRASH = crash_point(os.environ)
_times = itertools.count(1)  # its next() is atomic: checkpoints are reached in several threads


def reached(point: Checkpoint) -> None:
    """Mark that the calling code is at this point; costs next to nothing when no test asks."""
    if _CRASH is not None and _CRASH[0] is point and next(_times) == _CRASH[1]:
        os.kill(os.getpid(), signal.SIGKILL)
