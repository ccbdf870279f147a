#!/usr/bin/env python3
"""Brings the example notebooks into a workspace, each once: ``python3 zoe_examples.py WORKSPACE``.

What she changed or deleted stays as she left it. What she never touched becomes that of a newer
version. ``.zoe/examples`` in the workspace records what was brought; without it everything comes
anew, but a folder ``examples`` that was there before it is hers, and left alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from pathlib import Path
from typing import TextIO

SOURCE = Path(__file__).with_name("zoe-examples")
RECORD = Path(".zoe", "examples")
"""Lines as ``sha256sum`` writes them: the digest of a file as it was brought, and its name."""


def main(workspace: Path) -> int:
    """Bring them; return 0 when they are there, or shall not be."""
    folder, record = workspace / "examples", workspace / RECORD
    if os.path.lexists(folder) and not record.exists():
        return 0
    try:
        record.parent.mkdir(exist_ok=True)
        with record.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _bring(folder, file)
    except BlockingIOError:
        return 0  # another server of hers is doing the same
    except OSError as error:
        print(
            f"The example notebooks could not be put into the workspace: {error}", file=sys.stderr
        )
        return 1
    return 0


def _bring(folder: Path, record: TextIO) -> None:
    brought = _read(record)
    if brought and not folder.is_dir():
        return
    folder.mkdir(exist_ok=True)
    for source in sorted(SOURCE.glob("*.ipynb")):
        content = source.read_bytes()
        place, digest, before = folder / source.name, _digest(content), brought.get(source.name)
        if before != digest and not _is_hers(place, digest, before):
            _write(content, folder.parent / RECORD.with_suffix(".new"), place)
            record.write(f"{digest}  {source.name}\n")
            record.flush()


def _is_hers(place: Path, digest: str, before: str | None) -> bool:
    """Whether she has deleted or changed it, or has something of that name from elsewhere."""
    if not os.path.lexists(place):
        return before is not None
    # A start that was killed may have brought it without a record of that.
    return not place.is_file() or _digest(place.read_bytes()) not in (before, digest)


def _read(record: TextIO) -> dict[str, str]:
    """The digests by name; the last one counts."""
    record.seek(0)
    lines = (line.split() for line in record)
    return {words[1]: words[0] for words in lines if len(words) == 2}


def _write(content: bytes, fresh: Path, place: Path) -> None:
    """As a whole or not at all; what a start that was killed has left at ``fresh`` is replaced."""
    fresh.write_bytes(content)
    os.replace(fresh, place)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
