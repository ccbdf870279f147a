"""The key pairs that hub and master know each other by: CURVE certificates in files of mode 0600.

The format is ZeroMQ's own, see ``zmq.auth.create_certificates``. In one directory: ``master.key``
and ``hub.key`` are public, those that end in ``_secret`` are not. Who may talk to the master has a
public key in ``clients/``; a file added or removed there counts from the next connection on.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import zmq.auth

MASTER = "master"
HUB = "hub"
_OTHERS = 0o077  # the permissions of everybody but the owner


class KeysRefused(Exception):
    """The keys cannot be used safely, or not at all; the message says what to change."""


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
        """Make the keys that are missing, and take from others what is for the owner alone.

        Several processes may do so at once. Raises KeysRefused.
        """
        with _saying_refused(self._directory):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _close_to_others(self._directory)
            with (self._directory / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.clients.mkdir(mode=0o700, exist_ok=True)
                _close_to_others(self.clients)
                for name in (MASTER, HUB):
                    # On a machine of its own the hub has only the public key of its master.
                    if not (self._directory / f"{name}.key").exists():
                        self._create(name)
                for secret in self._directory.glob("*.key_secret"):
                    _close_to_others(secret)

    def _create(self, name: str) -> None:
        """The public key comes last: with it the pair is whole, whenever a crash comes."""
        with TemporaryDirectory(dir=self._directory) as new:
            previous = os.umask(_OTHERS)
            try:
                public, secret = zmq.auth.create_certificates(new, name)
                if name != MASTER:
                    known = shutil.copy(public, Path(new) / "known")
                    os.replace(known, self.clients / f"{name}.key")
            finally:
                os.umask(previous)
            os.replace(secret, self._directory / f"{name}.key_secret")
            os.replace(public, self._directory / f"{name}.key")

    def pair(self, name: str) -> KeyPair:
        """The key pair of ``master`` or ``hub``. Raises KeysRefused."""
        path = self._directory / f"{name}.key_secret"
        with _saying_refused(path):
            public, secret = zmq.auth.load_certificate(path)
        if secret is None:
            raise KeysRefused(f"{path} holds no secret key")
        return KeyPair(public, secret)

    def public(self, name: str) -> bytes:
        """The public key of ``master`` or ``hub``. Raises KeysRefused."""
        path = self._directory / f"{name}.key"
        with _saying_refused(path):
            return zmq.auth.load_certificate(path)[0]

    def is_client(self, key: bytes) -> bool:
        """Whether the directory of clients has this public key, in Z85, now."""
        return any(key == known for known in self._known())

    def _known(self) -> Iterator[bytes]:
        for path in self.clients.glob("*.key"):
            try:
                yield zmq.auth.load_certificate(path)[0]
            except (OSError, ValueError):
                continue  # just removed, or not yet written to its end


def _close_to_others(path: Path) -> None:
    """Take all permissions from everybody but the owner; raises KeysRefused if we may not."""
    mode = path.stat().st_mode & 0o777
    if not mode & _OTHERS:
        return
    try:
        path.chmod(mode & ~_OTHERS)
    except PermissionError as error:
        raise KeysRefused(
            f"{path} has mode {mode:04o} and belongs to somebody else: give it to the user that "
            f"runs Zoe, with mode {mode & ~_OTHERS:04o}"
        ) from error


@contextmanager
def _saying_refused(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise KeysRefused(f"The keys in {path} cannot be used: {error}") from error
