"""What the back-end keeps of each container in a directory of its own: engine, log, wish to stop.

The engines are the truth about what exists. These files say what an engine that is away last had,
and what must outlive the container or the master.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Retry
from zoe_master.backends.process.primitives import write_atomically

_REMOVALS = 3
"""Tries to remove a directory in which somebody may still write."""


@dataclass(frozen=True, slots=True)
class StopWish:
    """That an instance is to end; ``deadline`` is in seconds since 1970, ``grace`` in seconds.

    ``signals`` were sent. ``forced``: the grace was over and it was killed.
    """

    deadline: float
    grace: float
    signals: tuple[int, ...] = ()
    forced: bool = False


Identity = tuple[InstanceId, str]
"""Who it is, and the name of its engine."""


class Record:
    """The files of one container: ``<directory>/<container name>/``.

    ``known`` are identities by the names of records, so that each is read once.
    """

    def __init__(self, directory: Path, known: dict[str, Identity] | None = None) -> None:
        self._known = {} if known is None else known
        self.directory = directory
        self.name = directory.name
        self.identity_file = directory / "instance.json"
        self.log = directory / "log"
        self.log_state = directory / "log.json"

    def create(self, deployment: str, instance: InstanceId, engine: str) -> bool:
        """Say who it is and where; may be called twice. Whether there was nothing of it before."""
        new = not self.directory.exists()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {"deployment": deployment, "engine": engine, "id": asdict(instance)}
        write_atomically(str(self.identity_file), json.dumps(content))
        self._known[self.name] = instance, engine
        return new

    def identity(self, deployment: str) -> Identity | None:
        """Who it is and the name of its engine; None when it is not whole or not ours.

        Whether it is still there is looked at each time: administrators may remove it by hand.
        """
        file = self.identity_file
        known = self._known.get(self.name)
        if known is not None and os.path.exists(file):
            return known
        self._known.pop(self.name, None)
        content = _load(file)
        if content is None or content["deployment"] != deployment:
            return None
        # What was made meanwhile under this name is newer.
        return self._known.setdefault(
            self.name, (InstanceId(**content["id"]), str(content["engine"]))
        )

    def note_start(self) -> None:
        """Its container was started; nothing is noted when the record was removed meanwhile."""
        with suppress(FileNotFoundError):
            (self.directory / "started").touch()

    @property
    def started(self) -> bool:
        """Whether its container was ever started: a record is made before its container."""
        return (self.directory / "started").exists()

    @property
    def wish(self) -> StopWish | None:
        """The wish that it end, if there is one."""
        content = _load(self.directory / "stop.json")
        if content is None:
            return None
        return StopWish(**{**content, "signals": tuple(content["signals"])})

    def keep_wish(self, wish: StopWish) -> None:
        """Write it down. FileNotFoundError: the instance was removed meanwhile."""
        write_atomically(str(self.directory / "stop.json"), json.dumps(asdict(wish)))

    def remove(self) -> None:
        """Delete all, the log included. Raises Retry when something is left.

        Who it is goes last, so that what a crash leaves is found again. Who still writes ends at
        the next attempt, as there is no directory any more.
        """
        self._known.pop(self.name, None)
        for _ in range(_REMOVALS):
            for each in self.directory.glob("*"):
                if each != self.identity_file:
                    with suppress(OSError):
                        each.unlink()
            shutil.rmtree(self.directory, ignore_errors=True)
            if not self.directory.exists():
                return
        raise Retry(f"{self.directory} cannot be removed yet.")


class Records:
    """All records of a deployment."""

    def __init__(self, directory: Path, deployment: str) -> None:
        self.directory = directory
        self._deployment = deployment
        self._known: dict[str, Identity] = {}

    def of(self, instance: InstanceId) -> Record:
        """That of an instance, which need not exist."""
        return Record(self.directory / instance.container_name(self._deployment), self._known)

    def all(self, execution_id: int | None = None) -> Iterator[tuple[Record, InstanceId, str]]:
        """Each with its identity and the name of its engine; of one execution only, if given."""
        for record in self._named(execution_id):
            known = record.identity(self._deployment)
            if known is not None:
                yield record, *known

    def remove_rest(self, execution_id: int) -> None:
        """Delete all there is of an execution, also what a crash left that says nothing.

        Raises Retry.
        """
        for record in self._named(execution_id):
            record.remove()

    def _named(self, execution_id: int | None) -> Iterator[Record]:
        prefix = f"zoe-{self._deployment[:8]}-"
        if execution_id is not None:
            prefix += f"{execution_id}-"
        names = os.listdir(self.directory) if self.directory.exists() else []
        for name in sorted(each for each in names if each.startswith(prefix)):
            yield Record(self.directory / name, self._known)


def _load(path: Path) -> dict[str, Any] | None:
    """None also for a file that a power failure left empty."""
    with suppress(FileNotFoundError, NotADirectoryError, ValueError):
        content: dict[str, Any] = json.loads(path.read_bytes())
        return content
    return None
