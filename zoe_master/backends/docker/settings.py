"""Reads ``c.DockerBackend.engines``: which Docker Engines there are and what is to know of each."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

LOCAL_URL = "unix:///var/run/docker.sock"
"""Where an engine listens, unless DOCKER_HOST says otherwise."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}")
_TLS_FILES = ("ca", "cert", "key")


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files: the authority that signed the engine, our certificate and its key."""

    ca: str
    cert: str
    key: str


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """One Docker Engine, which is one node.

    ``address`` is where ports of its containers are published for the portal; ``None``: the portal
    reaches the containers' own addresses. ``memory`` (bytes) and ``cores`` replace what the engine
    says that it has.
    """

    name: str
    url: str = LOCAL_URL
    tls: Tls | None = None
    labels: frozenset[str] = frozenset()
    address: str | None = None
    gpus: tuple[str, ...] = ()
    memory: int | None = None
    cores: float | None = None
    drain: bool = False

    @property
    def local(self) -> bool:
        """Whether it runs on this machine, so that its control groups can be read here."""
        return self.url.startswith("unix://")

    def publishing(self) -> EngineSettings:
        """The same, but ports are always published: addresses of an overlay are reached in it."""
        return self if self.address else replace(self, address="127.0.0.1")


def parse_engines(entries: Sequence[Any]) -> tuple[EngineSettings, ...]:
    """Check and read the setting. Raises ValueError that names entry, field and value."""
    if not entries:
        raise ValueError("engines is empty: must name at least one Docker Engine")
    engines = tuple(_parse(f"engines[{number}]", each) for number, each in enumerate(entries))
    for number, engine in enumerate(engines):
        if engine.name in [other.name for other in engines[:number]]:
            raise ValueError(f"engines[{number}].name: {engine.name!r} is used twice")
    return engines


def _parse(where: str, entry: Any) -> EngineSettings:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where}: {entry!r} must be a dictionary")
    unknown = entry.keys() - _READERS.keys() - {"url", "address"}
    if unknown:
        known = ", ".join(sorted({*_READERS, "url", "address"}))
        raise ValueError(f"{where}: {sorted(unknown)[0]!r} is unknown: there are {known}")
    fields: dict[str, Any] = {
        name: read(f"{where}.{name}", entry[name])
        for name, read in _READERS.items()
        if name in entry
    }
    fields.setdefault("name", socket.gethostname())
    url = _url(f"{where}.url", entry["url"]) if "url" in entry else _default_url(os.environ)
    address = _address(f"{where}.address", entry.get("address"), url)
    return EngineSettings(url=url, address=address, **fields)


def _default_url(environment: Mapping[str, str]) -> str:
    url = _url("DOCKER_HOST", environment.get("DOCKER_HOST") or LOCAL_URL)
    if url.startswith("tcp:") and environment.get("DOCKER_TLS_VERIFY"):
        raise ValueError(
            f"DOCKER_HOST: {url!r} with DOCKER_TLS_VERIFY: must be set as url and tls of an engine"
        )
    return url


def _name(where: str, value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(
            f"{where}: {value!r} must be 1 to 63 letters, digits and . _ -, beginning with a "
            "letter or digit"
        )
    return value


def _url(where: str, value: Any) -> str:
    parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    whole = (parts.scheme == "unix" and parts.path.startswith("/")) or (
        parts.scheme == "tcp" and parts.hostname and _port(parts.netloc)
    )
    if not whole:
        raise ValueError(f"{where}: {value!r} must be unix:///PATH or tcp://HOST:PORT")
    return str(value)


def _port(netloc: str) -> bool:
    port = netloc.rpartition(":")[2]
    return port.isdecimal() and 0 < int(port) < 65536


def _tls(where: str, value: Any) -> Tls | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or sorted(value) != sorted(_TLS_FILES):
        raise ValueError(f"{where}: {value!r} must have the keys ca, cert and key, no others")
    for name in _TLS_FILES:
        try:
            with open(value[name], "rb"):
                pass
        except (OSError, TypeError) as error:
            raise ValueError(f"{where}.{name}: {value[name]!r} cannot be read: {error}") from error
    return Tls(**value)


def _address(where: str, value: Any, url: str) -> str | None:
    """What was given; for an engine elsewhere its host name."""
    if value is None:
        return urlsplit(url).hostname
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where}: {value!r} must be a host name or an IP address")
    return value


def _words(where: str, value: Any) -> tuple[str, ...]:
    words = list(value) if isinstance(value, list | tuple) else [""]
    if not all(isinstance(word, str) and word for word in words):
        raise ValueError(f"{where}: {value!r} must be a list of strings, none of them empty")
    if len(set(words)) < len(words):
        raise ValueError(f"{where}: {value!r} names something twice")
    return tuple(words)


def _memory(where: str, value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ValueError(f"{where}: {value!r} must be a number of bytes, 1 or more")
    return value


def _cores(where: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0.001:
        raise ValueError(f"{where}: {value!r} must be a number of cores, 0.001 or more")
    return float(value)


def _drain(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{where}: {value!r} must be True or False")
    return value


_READERS = {
    "name": _name,
    "tls": _tls,
    "labels": lambda where, value: frozenset(_words(where, value)),
    "gpus": _words,
    "memory": _memory,
    "cores": _cores,
    "drain": _drain,
}
