"""From an instance's specification to the arguments of ``docker create``: pure, without an engine.

What a user's description says reaches the engine through here alone. Every argument is set here, by
name; nothing of a description is handed on as options, and host paths go in as structured mounts,
never as ``source:target:mode`` strings.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from docker.types import DeviceRequest, LogConfig, Mount

from zoe_core.amount import MILLICORES_PER_CORE
from zoe_master.backends.base import Fatal, InstanceSpec
from zoe_master.backends.docker.identity import instance_labels

WORKSPACE = "/workspace"
"""Where the workspace is mounted in every container."""

SHARES_PER_CORE = 1024
"""What Docker gives a container that asks for nothing; a container must have at least 2."""

LOG_FILES, LOG_FILE_BYTES = 2, 2**24
"""Files that an engine keeps of a log, and their least size: while one is changed for the next,
Docker 20.10 may lose lines of a log that is followed, so it is changed late."""

_BLAMED = re.compile(r'\bexec: "|\bexecutable file\b')
_INITS = frozenset({"tini", "docker-init", "dumb-init", "catatonit", "init"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the site says of every container.

    ``user_ids`` is ``uid:gid``. ``publish_on`` is the address on which ports are published;
    ``None``: none are. ``log_bytes`` is how much output is kept: an engine keeps up to twice that.
    """

    deployment: str
    dns_name: str
    network: str
    user_ids: str
    pids_limit: int
    log_bytes: int
    publish_on: str | None = None
    own_init: bool = False
    """Whether the image brings an init, which then needs none before it."""


def create_arguments(spec: InstanceSpec, around: Surroundings) -> dict[str, Any]:
    """The keyword arguments of ``client.containers.create``. Raises Fatal for what cannot be."""
    environment = _environment(spec, around.user_ids)
    _refuse_nul(spec, environment)
    arguments: dict[str, Any] = {
        "image": spec.image,
        "command": None if spec.command is None else list(spec.command),
        "name": spec.id.container_name(around.deployment),
        "hostname": around.dns_name,
        "labels": instance_labels(around.deployment, spec.id),
        "environment": environment,
        "use_config_proxy": False,  # it may hold the password of the master's own proxy
        "user": around.user_ids,
        "working_dir": work_dir_of(spec),
        "mounts": _mounts(spec),
        "network": around.network,
        "detach": True,
        "init": not around.own_init,
        "restart_policy": {"Name": "no"},
        "log_config": _log_config(around.log_bytes),
        "ports": _published(spec, around.publish_on),
    }
    return arguments | _limits(spec, around.pids_limit) | _walls()


def work_dir_of(spec: InstanceSpec) -> str | None:
    """Where it starts in the container; None: where an image runs its own command.

    What is relative is below the workspace: Fatal if it is not. What is absolute is the image's.
    """
    if spec.work_dir is None and spec.command is None:
        return None
    said = spec.work_dir or ""
    inside = posixpath.normpath(posixpath.join(WORKSPACE, said))
    if not said.startswith("/") and not f"{inside}/".startswith(f"{WORKSPACE}/"):
        raise Fatal(f"The work_dir {said!r} of {spec.id.name} leads out of the workspace.")
    return inside


def has_init(entrypoint: Sequence[str] | None) -> bool:
    """Whether an image's entry point is an init, such as ``tini``, that reaps and forwards."""
    return any(posixpath.basename(first) in _INITS for first in (entrypoint or ())[:1])


def blames_command(error: str) -> bool:
    """Whether an engine's error says that the command cannot be executed, and nothing else.

    Docker reports many a failure with the exit codes of that. These are the words of runc
    (``exec: "nowhere": executable file not found in $PATH``) and of crun.
    """
    return _BLAMED.search(error) is not None


def exit_code(status: int) -> int:
    """Docker's exit status as ours: negative by signal.

    A shell, an init and the engine itself all report a death by signal n as 128 + n (POSIX 2.8.2).
    """
    return 128 - status if 128 < status <= 128 + 64 else status


def _walls() -> dict[str, Any]:
    return {
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "privileged": False,
        "ipc_mode": "private",
        # Spark's snappy and parquet load libraries from there, so it must not be `noexec`.
        "tmpfs": {"/tmp": "exec,nosuid,nodev,mode=1777"},
    }


def _limits(spec: InstanceSpec, pids_limit: int) -> dict[str, Any]:
    """Memory is hard, without swap; cores are weights, so that what idles can be used."""
    shares = spec.reservation.millicores * SHARES_PER_CORE // MILLICORES_PER_CORE
    limits: dict[str, Any] = {"cpu_shares": max(2, shares), "pids_limit": pids_limit}
    if spec.memory_limit is not None:
        limits |= {"mem_limit": spec.memory_limit, "memswap_limit": spec.memory_limit}
    if spec.shm is not None:
        limits["shm_size"] = spec.shm
    if spec.devices:
        gpus = DeviceRequest(device_ids=list(spec.devices), capabilities=[["gpu"]])
        limits["device_requests"] = [gpus]
    return limits


def _environment(spec: InstanceSpec, user_ids: str) -> dict[str, str]:
    """The description's variables, but for where the workspace is and who the container is."""
    uid, gid = user_ids.split(":")
    return {
        "HOME": WORKSPACE,
        "USER": spec.user,
        **spec.environment,
        "ZOE_WORKSPACE": WORKSPACE,
        "ZOE_UID": uid,
        "ZOE_GID": gid,
    }


def _mounts(spec: InstanceSpec) -> list[Mount]:
    volumes = [(spec.workspace, WORKSPACE, False), *spec.volumes]
    return [
        Mount(target=target, source=source, type="bind", read_only=read_only)
        for source, target, read_only in volumes
    ]


def _published(spec: InstanceSpec, address: str | None) -> dict[str, tuple[str, None]]:
    """Each port on a free port of ``address``, that of the engine's machine."""
    if address is None:
        return {}
    return {f"{port}/tcp": (address, None) for port in spec.ports}


def _log_config(log_bytes: int) -> LogConfig:
    """The driver ``local`` keeps bytes as they are; ``json-file`` spoils what is not UTF-8."""
    size = max(log_bytes, LOG_FILE_BYTES)
    options = {"max-size": str(size), "max-file": str(LOG_FILES), "compress": "false"}
    return LogConfig(type="local", config=options)


def _refuse_nul(spec: InstanceSpec, environment: dict[str, str]) -> None:
    for word in spec.command or ():
        if "\0" in word:
            raise Fatal(f"The command holds a NUL character: {word!r}.")
    for name, value in environment.items():
        if "\0" in name + value or "=" in name or not name:
            raise Fatal(f"The environment variable {name!r} cannot be set: a bad name or a NUL.")
