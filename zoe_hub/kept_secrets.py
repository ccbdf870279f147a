"""Secrets that Zoe makes for itself once and keeps in files of its directory, for itself alone."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

_BYTES = 32


def keep_secret(file: Path) -> str:
    """The secret in ``file``, in hexadecimal digits; made, with mode 0600, when there is none.

    Several processes may ask at once: all get the same. Raises OSError.
    """
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="ascii") as scratch:
            scratch.write(secrets.token_hex(_BYTES))
            scratch.flush()
            os.fsync(scratch.fileno())
            with suppress(FileExistsError):  # somebody was faster
                os.link(scratch.name, file)  # whole or not at all
    return file.read_text(encoding="ascii")
