"""Waits for the other instances of the execution: they start at the same time, in no order."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

PATIENCE = 90.0
"""Seconds; a loaded laptop needs a third of it to start everything."""

_DELAY = 0.2  # seconds between two looks
_TIMEOUT = 5.0  # seconds for one look


class NotReadyError(Exception):
    """Something this instance needs did not come up in time."""


def wait_for_master(host: str, port: int, patience: float = PATIENCE) -> None:
    """Return once the master takes connections. Raises NotReadyError after ``patience`` seconds."""
    _wait(lambda: _listens(host, port), patience, f"The Spark master {host}:{port} does not answer")


def wait_for_worker(host: str, page_port: int, patience: float = PATIENCE) -> int:
    """Return how many workers are registered, once there is one; ask the master's page.

    Raises NotReadyError after ``patience`` seconds.
    """
    return _wait(
        lambda: _count_workers(host, page_port), patience, "No Spark worker has registered"
    )


def wait_for_text(place: Path, patience: float = PATIENCE) -> str:
    """Return what another instance writes into a file, once it is there.

    Raises NotReadyError after ``patience`` seconds.
    """
    _wait(place.exists, patience, f"Another part of the cluster has not written {place.name}")
    return place.read_text(encoding="utf-8")


def _wait(look: Callable[[], int], patience: float, failure: str) -> int:
    deadline = time.monotonic() + patience
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NotReadyError(f"{failure} after {patience:g} seconds.")
        time.sleep(_DELAY)
    return found


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), _TIMEOUT).close()
    except OSError:
        return False
    return True


def _count_workers(host: str, port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/json/", timeout=_TIMEOUT) as answer:
            return int(json.load(answer)["aliveworkers"])
    except (OSError, ValueError):
        return 0
