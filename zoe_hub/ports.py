"""Chooses the ports on which the parts of one Zoe talk to each other."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path


def choose_ports(file: Path, addresses: Mapping[str, str]) -> dict[str, int]:
    """A free port of its address for each name: the one that `keep_ports` wrote, if it is free.

    Notebooks outlive a restart of the Hub, and go on calling it at the port they know.
    """
    kept: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    sockets: dict[str, socket.socket] = {}
    try:
        # All stay bound until the end: no port is chosen twice.
        for name, address in addresses.items():
            sockets[name] = _bind(address, kept.get(name, 0))
        return {name: bound.getsockname()[1] for name, bound in sockets.items()}
    finally:
        for bound in sockets.values():
            bound.close()


def keep_ports(file: Path, ports: dict[str, int]) -> None:
    """Write the ports down for the next start."""
    file.write_text(json.dumps(ports))


def _bind(address: str, port: int) -> socket.socket:
    """Bind this port or, when it is 0 or taken, any other."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
    except OSError:
        bound.bind((address, 0))
    return bound
