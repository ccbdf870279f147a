"""Secrets that Zoe makes for itself once and keeps in files of its directory, for itself alone."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_BYTES = 32
_OTHERS = 0o077  # the permissions of everybody but the owner


def keep_secret(file: Path) -> str:
    """The secret in ``file``, in hexadecimal digits; made, with mode 0600, when there is none.

    Several processes may ask at once: all get the same. Others lose the permissions that they may
    have on the file, as after a careless restore. Raises OSError.
    """
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="ascii") as scratch:
            scratch.write(secrets.token_hex(_BYTES))
            scratch.flush()
            os.fsync(scratch.fileno())
            with suppress(FileExistsError):  # somebody was faster
                os.link(scratch.name, file)  # whole or not at all
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & _OTHERS:
        file.chmod(mode & ~_OTHERS)
    return file.read_text(encoding="ascii").strip()
