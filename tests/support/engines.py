"""Fake engines in processes of their own, for tests in which the master is killed."""

import subprocess
import sys
from pathlib import Path

from tests.support.waiting import eventually
from zoe_master.backends.base import Retry
from zoe_master.backends.fake import RemoteEngine


class ServedEngine:
    """A fake engine that is served at ``address``, a path of less than 108 bytes."""

    def __init__(self, address: Path) -> None:
        self.address = str(address)
        self.remote = RemoteEngine(self.address)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "zoe_master.backends.fake.serve", self.address]
        self._process = subprocess.Popen(command, start_new_session=True)
        eventually(self._answers, message=f"an engine answers at {self.address}")

    def kill(self) -> None:
        """End it with all its instances, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the engine ended with {self._process.returncode}")
        try:
            return self.remote.now() > 0
        except Retry:
            return False
