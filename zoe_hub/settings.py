"""What the environment says about this Zoe: ZOE_PORT, ZOE_DIR, ZOE_BACKEND, ZOE_DATABASE_URL."""

import errno
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

ADDRESS = "127.0.0.1"


class SettingsError(ValueError):
    """Zoe cannot start like this; the message is one line for the person who starts it."""


@dataclass(frozen=True)
class Settings:
    """The settings of one Zoe.

    port: where people open it, on 127.0.0.1. directory: all that Zoe keeps, absolute.
    backend: an entry point of `zoe.backends`. database_url: None for the embedded Postgres.
    """

    port: int
    directory: Path
    backend: str
    database_url: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read and check the variables. Raises SettingsError, naming the variable."""
        return cls(
            port=_port(environment.get("ZOE_PORT") or "8000"),
            directory=Path(environment.get("ZOE_DIR") or ".zoe").absolute(),
            backend=_backend(environment.get("ZOE_BACKEND") or "process"),
            database_url=_database_url(environment.get("ZOE_DATABASE_URL") or None),
        )

    def make_directory(self) -> None:
        """Make the directory, for us alone. Raises SettingsError when we cannot write there."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            writable = os.access(self.directory, os.W_OK | os.X_OK)
        except OSError as error:
            raise SettingsError(
                f"ZOE_DIR={self.directory} cannot be made ({error.strerror}); choose another one"
            ) from error
        if not writable:
            raise SettingsError(
                f"ZOE_DIR={self.directory} cannot be written to by you; choose another one"
            )

    def check_port(self) -> None:
        """Raises SettingsError when nobody could listen on the port now."""
        with socket.socket() as probe:
            # As servers do: a connection of an earlier run that still lingers does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ADDRESS, self.port))
            except OSError as error:
                raise SettingsError(_port_problem(self.port, error)) from error


def _port_problem(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is taken, perhaps by another Zoe; "
            "stop that program, or choose a port that is free: ZOE_PORT=8123 make portal"
        )
    return f"ZOE_PORT={port} cannot be used ({error.strerror}); choose one above 1023"


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise SettingsError(f"ZOE_PORT={text} is no port; give a number from 1 to 65535")


def _backend(name: str) -> str:
    known = sorted(entry_points(group="zoe.backends").names)
    if name in known:
        return name
    raise SettingsError(f"ZOE_BACKEND={name} is unknown; give one of: {', '.join(known)}")


def _database_url(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "postgresql" or not url.database:
        raise SettingsError(
            "ZOE_DATABASE_URL is no address of a Postgres database; "
            "give one such as postgresql://user@host/zoe"
        )
    # The driver that is installed; SQLAlchemy would take another one by default.
    return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
