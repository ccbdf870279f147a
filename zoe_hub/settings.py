"""What the environment says about this Zoe.

ZOE_PORT, ZOE_DIR, ZOE_BACKEND, ZOE_ADDRESS, ZOE_DATABASE_URL and ZOE_STANDALONE.
"""

import errno
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

from zoe_store.urls import InvalidUrl, checked_url

ADDRESS = "127.0.0.1"
"""Where people open Zoe, and what is for this machine alone listens."""

BRIDGE = "docker0"
"""The interface by which all containers of a local Docker Engine reach this machine."""

PARTS = ("hub", "traefik", "portal")
"""What listens on a port of its own, besides the one that people open."""

_LAST_PORT = 65535


class SettingsError(ValueError):
    """Zoe cannot start like this; the message is one line for the person who starts it."""


@dataclass(frozen=True)
class Settings:
    """The settings of one Zoe.

    port: where people open it, on 127.0.0.1. directory: all that Zoe keeps, absolute.
    backend: an entry point of `zoe.backends`. database_url: None for the embedded Postgres.
    standalone: the master and the portal are processes of their own, which the Hub does not start.
    address: where the Hub and the portal listen, so that servers reach them: an address of this
    machine.
    """

    port: int
    directory: Path
    backend: str
    database_url: str | None
    standalone: bool = False
    address: str = ADDRESS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read and check the variables. Raises SettingsError, naming the variable."""
        backend = _backend(environment.get("ZOE_BACKEND") or "process")
        settings = cls(
            port=_port(environment.get("ZOE_PORT") or "8000"),
            directory=Path(environment.get("ZOE_DIR") or ".zoe").absolute(),
            backend=backend,
            database_url=_database_url(environment.get("ZOE_DATABASE_URL") or None),
            standalone=_yes_or_no("ZOE_STANDALONE", environment.get("ZOE_STANDALONE") or "0"),
            address=_address(environment.get("ZOE_ADDRESS") or _default_address(backend)),
        )
        if settings.standalone:
            settings.check_standalone()
        return settings

    def check_standalone(self) -> None:
        """Raises SettingsError unless the parts could find each other as processes of their own."""
        if self.database_url is None:
            raise SettingsError(
                "ZOE_STANDALONE=1 needs ZOE_DATABASE_URL, the address of a Postgres of your own: "
                "the embedded one would end with the Hub"
            )
        if self.port + len(PARTS) > _LAST_PORT:
            raise SettingsError(
                f"ZOE_PORT={self.port} is too high for ZOE_STANDALONE=1, which takes the "
                f"{len(PARTS)} ports after it as well"
            )

    def standalone_ports(self) -> dict[str, int]:
        """The ports of the parts: those after ZOE_PORT, so that each part finds the others."""
        return {name: self.port + number for number, name in enumerate(PARTS, 1)}

    @property
    def outlived(self) -> bool:
        """Whether what runs goes on when the portal as a whole is stopped: containers do."""
        return self.backend == "docker"

    def part_addresses(self) -> dict[str, str]:
        """Where each part listens."""
        return {"hub": self.address, "traefik": ADDRESS, "portal": self.address}

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

    def check_ports(self) -> None:
        """Raises SettingsError when the Hub could not listen on its ports now."""
        _check_port(ADDRESS, self.port)
        if self.standalone:  # else free ones are chosen
            addresses, ports = self.part_addresses(), self.standalone_ports()
            for part in ("hub", "traefik"):
                _check_port(addresses[part], ports[part])


def _check_port(address: str, port: int) -> None:
    with socket.socket() as probe:
        # As servers do: a connection of an earlier run that still lingers does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise SettingsError(_port_problem(port, error)) from error


def _port_problem(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is taken, perhaps by another Zoe; "
            "stop that program, or choose a port that is free: ZOE_PORT=8123 make portal"
        )
    return f"ZOE_PORT={port} cannot be used ({error.strerror}); choose one above 1023"


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _LAST_PORT:
        return int(text)
    raise SettingsError(f"ZOE_PORT={text} is no port; give a number from 1 to 65535")


def _backend(name: str) -> str:
    known = sorted(entry_points(group="zoe.backends").names)
    if name in known:
        return name
    raise SettingsError(f"ZOE_BACKEND={name} is unknown; give one of: {', '.join(known)}")


def _address(text: str) -> str:
    try:
        if IPv4Address(text).is_unspecified:
            raise AddressValueError  # where servers could not call it
        with socket.socket() as probe:
            probe.bind((text, 0))
    except (AddressValueError, OSError):
        raise SettingsError(
            f"ZOE_ADDRESS={text} is no address of this machine; give an IPv4 address of it that "
            "containers reach"
        ) from None
    return text


def _default_address(backend: str) -> str:
    """For containers the one that all those of the local engine reach, in any network of theirs."""
    if backend != "docker":
        return ADDRESS
    import psutil  # the Hub says it better when a package is missing

    for address in psutil.net_if_addrs().get(BRIDGE, ()):
        if address.family is socket.AF_INET:
            return address.address
    raise SettingsError(
        f"ZOE_BACKEND=docker finds no network interface {BRIDGE}, which a Docker Engine makes when "
        "it starts: start it here, or set ZOE_ADDRESS to the address of this machine that "
        "containers reach"
    )


def _database_url(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return checked_url(text)
    except InvalidUrl as error:
        raise SettingsError(f"ZOE_DATABASE_URL {error}") from None


def _yes_or_no(variable: str, text: str) -> bool:
    if text in ("0", "1"):
        return text == "1"
    raise SettingsError(f"{variable}={text} says neither yes nor no; give 1 or 0")
