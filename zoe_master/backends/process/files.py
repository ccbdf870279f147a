"""The directory of one instance: what the master and the shim write there, and what it tells."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Observation
from zoe_master.backends.process.primitives import boot_id, start_time, write_atomically


class InstanceFiles:
    """Reads and writes ``<directory>/instances/<container name>/``.

    See ``shim`` for who writes what; the master adds ``instance.json``, the identity, without
    anything secret.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "log"
        self.temporary = directory / "tmp"

    def create(self, deployment: str, instance: InstanceId, node: str) -> None:
        """Make what the shim needs to find; may be called twice."""
        self.temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        content = {"deployment": deployment, "node": node, "id": asdict(instance)}
        write_atomically(str(self.directory / "instance.json"), json.dumps(content))

    def remove(self) -> None:
        """Delete everything, the log included; it must not run.

        Raises BlockingIOError while there is a shim that may yet take the instance on: one that a
        master started just before it died.
        """
        with suppress(FileNotFoundError), self._shared_with_shim() as handle:
            if self._exit() is None:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(self.directory, ignore_errors=True)

    @contextmanager
    def lent_to_shim(self) -> Iterator[int]:
        """An open file that holds a lock (flock(2)) for as long as a shim has it, too."""
        with self._shared_with_shim() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield handle

    @contextmanager
    def _shared_with_shim(self) -> Iterator[int]:
        handle = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield handle
        finally:
            os.close(handle)

    @property
    def torn(self) -> bool:
        """Whether a crash left it without an identity, while it was made or removed."""
        return self._content() is None

    @property
    def claimed(self) -> bool:
        """Whether a shim has taken this instance on, now or earlier."""
        return (self.directory / "started").exists()

    def ask_to_stop(self, grace: float, reason: str = "") -> None:
        """Leave word for the shim, which looks when it gets SIGTERM; ``grace`` is in seconds."""
        self._leave_word("stop", grace, reason)

    def ask_politely(self, grace: float, number: int) -> None:
        """The same, with a signal for the command alone; ``ask_to_stop`` goes before it."""
        self._leave_word("ask", grace, str(int(number)))

    def _leave_word(self, name: str, grace: float, more: str) -> None:
        """One with a shorter grace stays: perhaps the shim has not read it yet."""
        path = self.directory / name
        with suppress(FileNotFoundError, ValueError):
            if float(path.read_text("utf-8").partition("\n")[0]) < grace:
                return
        write_atomically(str(path), f"{grace}\n{more}")

    def shim(self) -> int | None:
        """The process id of the shim while that very process lives; None otherwise."""
        try:
            pid, since, boot = (self.directory / "started").read_text("ascii").split()
        except (FileNotFoundError, ValueError):  # a power failure may leave files empty
            return None
        return int(pid) if boot == boot_id() and since == start_time(int(pid)) else None

    def identity(self, deployment: str) -> tuple[InstanceId, str] | None:
        """Who it is and on which node; None when it is not whole or of another deployment."""
        content = self._content()
        if content is None or content["deployment"] != deployment:
            return None
        return InstanceId(**content["id"]), content["node"]

    def observe(self, deployment: str) -> Observation | None:
        """What is to be seen of it now; None when it never started or belongs to others."""
        known = self.identity(deployment)
        if known is None or not self.claimed:
            return None
        alive = self.shim() is not None
        ended = self._exit()  # after the look at the shim, whose last act is to write this
        if ended is not None:
            return Observation(known[0], Observed.EXITED, known[1], ended[0], ended[1])
        if alive:
            return Observation(known[0], Observed.RUNNING, known[1])
        detail = "Its supervisor is gone: the machine was restarted, or it was killed from outside."
        return Observation(known[0], Observed.LOST, known[1], detail=detail)

    def _content(self) -> dict[str, Any] | None:
        try:
            content: dict[str, Any] = json.loads((self.directory / "instance.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return content

    def _exit(self) -> tuple[int, str | None] | None:
        try:
            code, _, detail = (self.directory / "exit").read_text("utf-8").partition("\n")
            return int(code), detail or None
        except (FileNotFoundError, ValueError):
            return None
