"""Keeps the users' passwords, as hashes, and the invitations to choose one, in one private file."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MIN_LENGTH = 10  # characters
MAX_LENGTH = 1000  # characters; a limit to what we hash

# scrypt as of RFC 7914; cost as OWASP's password storage cheat sheet: 32 MB and some 0.2 s.
_N, _R, _P = 2**15, 8, 3
_MAX_MEMORY = 64 * 2**20  # bytes
_NOBODY = {"salt": "", "n": _N, "r": _R, "p": _P}


class PasswordError(ValueError):
    """The password cannot be chosen; the message says what would be right."""


@dataclass(frozen=True)
class Invitation:
    """Lets whoever has its token choose the password of `user` until `expires` (Unix seconds)."""

    user: str
    expires: float


def check_choice(password: str, repeated: str) -> None:
    """Raise PasswordError unless a person may choose this password, typed twice."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise PasswordError(f"A password needs {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if password != repeated:
        raise PasswordError("The two passwords differ.")


class PasswordFile:
    """The file, mode 0600. Its methods block for as long as a hash takes: call them in a thread.

    JSON: {"passwords": {user: {"salt", "n", "r", "p", "hash"}}, "invitations": {sha256 of the
    token: {"user", "expires"}}}. Times are handed in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changes = threading.Lock()

    def has_password(self, user: str) -> bool:
        """Whether the user has chosen a password."""
        return user in self._load()["passwords"]

    def verify(self, user: str, password: str) -> bool:
        """Whether this is the user's password. An unknown user takes as long as a wrong one."""
        entry = self._load()["passwords"].get(user)
        if len(password) > MAX_LENGTH:
            return False
        computed = _scrypt(password, entry or _NOBODY)
        return entry is not None and hmac.compare_digest(computed, base64.b64decode(entry["hash"]))

    def set_password(self, user: str, password: str) -> None:
        """Set or replace the user's password; her invitations end."""
        entry = _hash(password)
        with self._changing() as content:
            content["passwords"][user] = entry
            _end_invitations(content, user)

    def forget(self, user: str) -> None:
        """Forget a user who was deleted: nobody of that name inherits her password."""
        with self._changing() as content:
            content["passwords"].pop(user, None)
            _end_invitations(content, user)

    def invite(self, user: str, expires: float) -> str:
        """Make an invitation in place of the user's earlier ones, and return its token."""
        token = secrets.token_urlsafe(32)
        with self._changing() as content:
            _end_invitations(content, user)
            content["invitations"][_digest(token)] = asdict(Invitation(user, expires))
        return token

    def invitation(self, token: str, now: float) -> Invitation | None:
        """The invitation with this token, unless it is used, replaced or expired."""
        found = self._load()["invitations"].get(_digest(token))
        if found is None or found["expires"] < now:
            return None
        return Invitation(**found)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, dict[str, Any]]]:
        """The content, to be changed in place; one change at a time, so that none is lost."""
        with self._changes:
            content = self._load()
            yield content
            self._save(content)

    def _load(self) -> dict[str, dict[str, Any]]:
        if not self._path.exists():
            return {"passwords": {}, "invitations": {}}
        return json.loads(self._path.read_text())

    def _save(self, content: dict[str, dict[str, Any]]) -> None:
        """Replace the file as a whole: a crash leaves the old or the new one."""
        scratch = self._path.with_suffix(".new")
        with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self._path)


def _end_invitations(content: dict[str, dict[str, Any]], user: str) -> None:
    for key, each in list(content["invitations"].items()):
        if each["user"] == user:
            del content["invitations"][key]


def _digest(token: str) -> str:
    """What is kept of a token. Looking it up by its hash tells no time about the token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _hash(password: str) -> dict[str, Any]:
    salt = base64.b64encode(secrets.token_bytes(16)).decode()
    entry = {"salt": salt, "n": _N, "r": _R, "p": _P}
    return {**entry, "hash": base64.b64encode(_scrypt(password, entry)).decode()}


def _scrypt(password: str, entry: dict[str, Any]) -> bytes:
    return hashlib.scrypt(
        password.encode(),
        salt=base64.b64decode(entry["salt"]),
        n=entry["n"],
        r=entry["r"],
        p=entry["p"],
        maxmem=_MAX_MEMORY,
    )
