"""Chooses the ports of 127.0.0.1 on which the parts of one Zoe talk to each other."""

import json
import socket
from collections.abc import Iterable
from pathlib import Path

from zoe_hub.settings import ADDRESS


def choose_ports(file: Path, names: Iterable[str]) -> dict[str, int]:
    """A free port for each name: the one that `keep_ports` wrote to `file`, where that is free.

    Notebooks outlive a restart of the Hub, and go on calling it at the port they know.
    """
    kept: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    sockets: dict[str, socket.socket] = {}
    try:
        for name in names:  # all stay bound until the end: no port is chosen twice
            sockets[name] = _bind(kept.get(name, 0))
        return {name: bound.getsockname()[1] for name, bound in sockets.items()}
    finally:
        for bound in sockets.values():
            bound.close()


def keep_ports(file: Path, ports: dict[str, int]) -> None:
    """Write the ports down for the next start."""
    file.write_text(json.dumps(ports))


def _bind(port: int) -> socket.socket:
    """Bind this port or, when it is 0 or taken, any other."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((ADDRESS, port))
    except OSError:
        bound.bind((ADDRESS, 0))
    return bound
