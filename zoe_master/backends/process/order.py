"""Makes the order for a shim out of an instance's specification, or says why it cannot be run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zoe_master.backends.base import Fatal, InstanceSpec
from zoe_master.backends.process.gpus import gpu_variables
from zoe_master.backends.process.processes import MARKER

if TYPE_CHECKING:
    from zoe_master.backends.process.shim import Order


def make_order(
    spec: InstanceSpec,
    *,
    variables: Mapping[str, str],
    present: Sequence[str],
    marker: str,
    temporary: str,
    master_lock: str,
    orphan_timeout: float,
    grace: float,
    log_limit: int,
) -> Order:
    """The order to run ``spec`` with the environment's ``variables``; makes the workspace.

    ``present`` are the ids of all GPUs of this machine.
    Raises Fatal for what a process cannot have: no command, a volume, a directory that is missing.
    """
    if not spec.command:
        raise Fatal(f"{spec.id.name} has no command, and without containers images have none.")
    if spec.volumes:
        raise Fatal(f"{spec.id.name} asks for volumes, which processes cannot have.")
    environment = {
        **variables,
        "HOME": spec.workspace,
        "ZOE_WORKSPACE": spec.workspace,
        "USER": spec.user,
        "LOGNAME": spec.user,
        "TMPDIR": temporary,
        **spec.environment,
        **gpu_variables(spec.devices, present),
        MARKER: marker,
    }
    _refuse_nul(spec.command, environment)
    return {
        "command": list(spec.command),
        "environment": environment,
        "work_dir": _work_dir(spec),
        "master_lock": master_lock,
        "orphan_timeout": orphan_timeout,
        "grace": grace,
        "log_limit": log_limit,
    }


def _work_dir(spec: InstanceSpec) -> str:
    """Where the command starts: ``work_dir``, below the workspace when it is relative."""
    try:
        os.makedirs(spec.workspace, mode=0o700, exist_ok=True)
    except FileExistsError as error:
        raise Fatal(f"The workspace {spec.workspace} is not a directory.") from error
    except OSError as error:
        message = f"The workspace {spec.workspace} cannot be made: {error.strerror}."
        raise Fatal(message) from error
    work_dir = os.path.join(spec.workspace, spec.work_dir or "")
    if not os.path.isdir(work_dir):
        raise Fatal(f"The work_dir {spec.work_dir!r} of {spec.id.name} is not a directory here.")
    return work_dir


def _refuse_nul(command: tuple[str, ...], environment: Mapping[str, str]) -> None:
    for word in command:
        if "\0" in word:
            raise Fatal(f"The command holds a NUL character: {word!r}.")
    for name, value in environment.items():
        if "\0" in name + value or "=" in name or not name:
            raise Fatal(f"The environment variable {name!r} cannot be set: a bad name or a NUL.")
