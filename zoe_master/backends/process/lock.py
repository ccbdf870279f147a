"""The lock that tells shims that a master lives, and a second master that it is not wanted."""

from __future__ import annotations

import fcntl
import os
import struct
import time

from zoe_master.backends.base import Retry
from zoe_master.backends.process.shim import FLOCK

POLL = 0.05


class MasterLock:
    """A write lock on a file, held by one master and dropped by the kernel at its death.

    It is an open-file-description lock (fcntl(2)): shims can ask whether it is held without taking
    it, so that they never keep a new master from getting it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, patience: float) -> None:
        """Take it, waiting ``patience`` seconds for another master to end. Raises Retry."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + patience
        while not _try(file):
            if time.monotonic() >= deadline:
                os.close(file)
                raise Retry(f"Another Zoe master uses {os.path.dirname(self._path)}.")
            time.sleep(POLL)
        self._file = file

    def release(self) -> None:
        """Let go; the shims begin to count the seconds that they wait for a master."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _try(file: int) -> bool:
    lock = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, lock)
    except BlockingIOError:
        return False
    return True
