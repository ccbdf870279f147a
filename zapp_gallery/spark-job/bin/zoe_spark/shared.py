"""What the instances of one execution share: a hidden directory of the user's workspace.

Every instance of an execution sees the same workspace, on one machine as on many, and no other user
does. So a file there, readable by its owner only, carries the secret.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

MASTER_PATH = "spark-master-path"
"""The file in which the master says under which path the portal shows its page."""


def shared_directory(environment: Mapping[str, str]) -> Path:
    """Return ``<workspace>/.zoe/<execution id>``, made with mode 0700 when it is missing."""
    directory = Path(environment["ZOE_WORKSPACE"], ".zoe", environment["EXECUTION_ID"])
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def execution_secret(directory: Path) -> str:
    """Return the secret of the execution; whichever instance comes first makes it.

    A hard link appears whole or not at all, also on a network file system.
    """
    place = directory / "secret"
    if not place.exists():
        handle, draft = tempfile.mkstemp(dir=directory)  # mode 0600
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, place)
        except FileExistsError:
            pass  # another instance was first
        finally:
            os.unlink(draft)
    return place.read_text(encoding="ascii")


def publish(place: Path, text: str) -> None:
    """Write a file that the others see whole or not at all."""
    handle, draft = tempfile.mkstemp(dir=place.parent)  # others may write the same file
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(draft, place)


def forget(directory: Path) -> None:
    """Remove the directory: the execution is over."""
    shutil.rmtree(directory, ignore_errors=True)
