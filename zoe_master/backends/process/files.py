"""The directory of one instance: what the master and the shim write there, and what it tells."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Observation
from zoe_master.backends.process.shim import boot_id, start_time, write_atomically


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
        """Delete everything, the log included."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def claimed(self) -> bool:
        """Whether a shim has taken this instance on, now or earlier."""
        return (self.directory / "started").exists()

    def ask_to_stop(self, grace: float, reason: str = "") -> None:
        """Leave word for the shim, which looks when it gets SIGTERM; ``grace`` is in seconds."""
        write_atomically(str(self.directory / "stop"), f"{grace}\n{reason}")

    def shim(self) -> int | None:
        """The process id of the shim while that very process lives; None otherwise."""
        try:
            pid, since, boot = (self.directory / "started").read_text("ascii").split()
        except FileNotFoundError:
            return None
        return int(pid) if boot == boot_id() and since == start_time(int(pid)) else None

    def identity(self, deployment: str) -> tuple[InstanceId, str] | None:
        """Who it is and on which node; None when it is not whole or of another deployment."""
        try:
            content = json.loads((self.directory / "instance.json").read_text("utf-8"))
        except FileNotFoundError:
            return None
        if content["deployment"] != deployment:
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

    def _exit(self) -> tuple[int, str | None] | None:
        try:
            code, _, detail = (self.directory / "exit").read_text("utf-8").partition("\n")
        except FileNotFoundError:
            return None
        return int(code), detail or None
