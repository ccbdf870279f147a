"""The cursor of a list: where the next page begins, as text that callers hand back unread."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

_CONTENT = re.compile(rb"before:([1-9][0-9]{0,18})")


def write_cursor(before: int) -> str:
    """The cursor of the page with ids below ``before``."""
    return urlsafe_b64encode(b"before:%d" % before).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """The id that ``write_cursor`` was given; raises ValueError for anything else."""
    try:
        content = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError:
        content = b""
    found = _CONTENT.fullmatch(content)
    if found is None:
        raise ValueError(f"is {cursor[:40]!r}: must be the value of next of an earlier page")
    return int(found[1])
