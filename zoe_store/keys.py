"""The key pairs that hub and master know each other by: CURVE certificates in files of mode 0600.

The format is ZeroMQ's own, see ``zmq.auth.create_certificates``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import zmq.auth

MASTER = "master"
HUB = "hub"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair in Z85 encoding."""

    public: bytes
    secret: bytes


class KeyRing:
    """The keys of one deployment, in one directory; made when they are missing.

    ``clients`` is the directory with the public keys of those who may talk to the master.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.clients = directory / "clients"

    def ensure(self) -> None:
        """Make the keys that are missing; several processes may do so at once."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.clients.mkdir(mode=0o700, exist_ok=True)
            for name in (MASTER, HUB):
                if not (self._directory / f"{name}.key_secret").exists():
                    self._create(name)

    def _create(self, name: str) -> None:
        previous = os.umask(0o077)
        try:
            public, _ = zmq.auth.create_certificates(self._directory, name)
        finally:
            os.umask(previous)
        if name != MASTER:
            shutil.copy(public, self.clients / Path(public).name)

    def pair(self, name: str) -> KeyPair:
        """The key pair of ``master`` or ``hub``."""
        public, secret = zmq.auth.load_certificate(self._directory / f"{name}.key_secret")
        if secret is None:
            raise ValueError(f"{name}.key_secret holds no secret key")
        return KeyPair(public, secret)

    def public(self, name: str) -> bytes:
        """The public key of ``master`` or ``hub``."""
        return zmq.auth.load_certificate(self._directory / f"{name}.key")[0]
