"""Loopback addresses of instances: known before they start, stable over attempts, never shared."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address

from zoe_master.backends.process.primitives import write_atomically

# 127.0.x.y is left to the machine (localhost, 127.0.1.1 of Debian, 127.0.0.53 of systemd-resolved),
# as are addresses that end in 0 or 255, which some programs take for a network or a broadcast.
FIRST_BLOCKS, SECOND_BLOCKS, HOSTS = 254, 256, 254
COUNT = FIRST_BLOCKS * SECOND_BLOCKS * HOSTS


class Addresses:
    """Gives each instance of an execution an address of its own out of 127.0.0.0/8.

    The search begins at a hash of deployment and instance, so that two deployments on one machine
    hardly ever meet; within a deployment the file at ``path`` keeps addresses apart, also over a
    restart of the master.
    """

    def __init__(self, path: str, deployment: str) -> None:
        self._path = path
        self._deployment = deployment
        self._lock = threading.Lock()
        self._taken: dict[str, str] = {}

    def load(self) -> None:
        """Read what an earlier master has given out, and remove what it wrote in part."""
        for left in glob.glob(f"{glob.escape(self._path)}.*"):
            os.unlink(left)
        # A power failure may leave the file empty; no instance has outlived that.
        with suppress(FileNotFoundError, ValueError), open(self._path, "rb") as file:
            self._taken = json.load(file)

    def of(self, execution_id: int, service: str, index: int) -> str:
        """The address, the same at each call until the execution is released."""
        key = f"{execution_id}/{service}-{index}"
        with self._lock:
            if key not in self._taken:
                self._taken[key] = self._find(key)
                self._save()
            return self._taken[key]

    def known(self, execution_id: int, service: str, index: int) -> str | None:
        """The address, if it was given out and not given back."""
        return self._taken.get(f"{execution_id}/{service}-{index}")

    def release(self, execution_id: int) -> None:
        """Give back all addresses of an execution."""
        with self._lock:
            kept = {
                key: address
                for key, address in self._taken.items()
                if not key.startswith(f"{execution_id}/")
            }
            if len(kept) < len(self._taken):
                self._taken = kept
                self._save()

    def _find(self, key: str) -> str:
        digest = hashlib.sha256(f"{self._deployment}/{key}".encode()).digest()
        return first_free(int.from_bytes(digest[:8]) % COUNT, self._taken.values())

    def _save(self) -> None:
        write_atomically(self._path, json.dumps(self._taken))


def first_free(start: int, taken: Iterable[str]) -> str:
    """The first address from number ``start`` on that is not taken; there are 16 million."""
    used = set(taken)
    return next(
        address
        for number in range(start, start + COUNT)
        if (address := address_of(number % COUNT)) not in used
    )


def address_of(number: int) -> str:
    """The address with that number, ``0 <= number < COUNT``: 0 is 127.1.0.1."""
    number, host = divmod(number, HOSTS)
    first, second = divmod(number, SECOND_BLOCKS)
    return str(IPv4Address((127 << 24) + (first + 1 << 16) + (second << 8) + host + 1))
