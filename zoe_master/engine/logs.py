"""Logs of instances: the back-end's while they are there, the master's copies after."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Backend

_CHUNK = 1 << 20

OWN_WORDS = 1 << 16
"""Bytes beyond the limit for what the back-end itself says last: that it has cut the log, too."""


class LogKeeper:
    """Keeps at most ``limit`` bytes of each instance's log once the instance is removed.

    And ``OWN_WORDS``: a log that is longer even than that ends with a line that says so.
    """

    def __init__(self, backend: Backend, directory: Path, limit: int) -> None:
        self._backend = backend
        self._directory = directory
        self._limit = limit

    def keep(self, instance: InstanceId) -> None:
        """Copy the log, before the instance is removed, unless there is a copy with all of it.

        An earlier one may have been made while the instance still ran; and of one that was removed
        meanwhile the back-end has less than the copy.
        """
        target = self._path(instance)
        there = self._backend.log_size(instance)
        kept = there if there <= self._limit + OWN_WORDS else self._limit
        if target.exists() and target.stat().st_size >= kept:
            return
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = target.with_suffix(".part")
        with partial.open("wb") as file:
            offset = 0
            while offset < kept:
                data = self._backend.read_log(instance, offset, min(_CHUNK, kept - offset))
                if not data:
                    break
                file.write(data)
                offset += len(data)
            if kept < there:
                said = f"\n[zoe] Of this log {kept} bytes are kept; what followed is not.\n"
                file.write(said.encode())
        os.replace(partial, target)

    def size(self, instance: InstanceId) -> int:
        """Bytes there are to read so far."""
        try:
            return self._path(instance).stat().st_size
        except FileNotFoundError:
            return self._backend.log_size(instance)

    def read(self, instance: InstanceId, offset: int, limit: int) -> bytes:
        """At most ``limit`` bytes from byte ``offset``."""
        try:
            with self._path(instance).open("rb") as file:
                file.seek(offset)
                return file.read(limit)
        except FileNotFoundError:
            return self._backend.read_log(instance, offset, limit)

    def forget(self, execution_id: int) -> None:
        """Remove the copies of all logs of an execution; raises OSError."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._of(execution_id))

    def _of(self, execution_id: int) -> Path:
        return self._directory / str(execution_id)

    def _path(self, instance: InstanceId) -> Path:
        name = f"{instance.name}.{instance.attempt}.log"
        return self._of(instance.execution_id) / name
