"""Names that people choose, checked once at the edge, before they become anything else.

A name that passed here may stand in a path, a page, a log or a container's label.
"""

from __future__ import annotations

import re
from hashlib import sha256

MAX_EXECUTION_NAME = 128
MAX_SLUG = 64
MAX_WORKSPACE_BYTES = 200

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PLAIN_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_.@+")


def check_execution_name(name: str) -> str:
    """Return ``name`` unchanged when an execution may be called so.

    Raises ValueError, with a sentence for the person who typed it, otherwise.
    """
    if not 1 <= len(name) <= MAX_EXECUTION_NAME:
        raise ValueError(
            f"is {len(name)} characters long: must have 1 to {MAX_EXECUTION_NAME} characters"
        )
    for character in name:
        if not (character.isalnum() or character in " ._-"):
            raise ValueError(
                f"contains {character!a}: may have letters, digits, spaces and . _ - only"
            )
    if not name.strip(" ."):
        raise ValueError(f"is {name!r}: must contain a letter, a digit, _ or -")
    return name


def check_slug(slug: str) -> str:
    """Return ``slug`` unchanged when it may name a ZApp in an address: ``spark-job``.

    Raises ValueError otherwise.
    """
    if len(slug) > MAX_SLUG or not _SLUG.fullmatch(slug):
        raise ValueError(
            f"is {shorten(slug)!a}: must be lower-case letters and digits, in groups joined by "
            f"single hyphens, at most {MAX_SLUG} characters"
        )
    return slug


def make_slug(name: str) -> str:
    """Make a slug from a name that people read: ``Spark job (small)`` gives ``spark-job-small``.

    Returns an empty string when the name has no letter or digit of ASCII.
    """
    groups = re.findall(r"[a-z0-9]+", name.lower())
    return "-".join(groups)[:MAX_SLUG].rstrip("-")


def workspace_name(user_name: str) -> str:
    """Return the directory name of a user's workspace: one safe path component.

    Two users never share one, also not on file systems that ignore case: everything but lower-case
    letters, digits and ``- _ . @ +`` becomes ``%XX``, byte by byte of UTF-8. A name that would be
    longer than 200 bytes is cut and ends in ``%-`` and its SHA-256, which no escaped name contains.

    Raises ValueError for an empty name.
    """
    if not user_name:
        raise ValueError("is empty: a user name must have at least one character")
    raw = user_name.encode("utf-8", "surrogatepass")
    escaped = "".join(_escape(byte) for byte in raw)
    if escaped.startswith("."):  # neither "." nor ".." nor a hidden directory
        escaped = "%2E" + escaped[1:]
    if len(escaped) <= MAX_WORKSPACE_BYTES:
        return escaped
    ending = "%-" + sha256(raw).hexdigest()
    return escaped[: MAX_WORKSPACE_BYTES - len(ending)] + ending


def shorten(text: str, length: int = 60) -> str:
    """Cut ``text`` for a message, marking the cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _escape(byte: int) -> str:
    return chr(byte) if byte in _PLAIN_BYTES else f"%{byte:02X}"
