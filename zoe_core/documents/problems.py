"""What is wrong with a document, in words for the person who wrote it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from zoe_core.names import shorten


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    ``field`` is a path that people read, ``services[1].resources.memory.min``, or empty for the
    whole document. ``message`` goes on from it, names the value and says what would be right.
    """

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


def show(value: object) -> str:
    """Show a value of a document in a message, as its author wrote it, short and on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(shorten(value))
    if isinstance(value, int):
        return _show_number(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return f"a {type(value).__name__}"


def _show_number(value: int) -> str:
    """Python refuses to print numbers of thousands of digits, and nobody reads them."""
    if value.bit_length() <= 128:
        return str(value)
    digits = math.floor(value.bit_length() * math.log10(2)) + 1
    return f"a number of about {digits} digits"


Steps = tuple[str | int, ...]
"""Where a value stands in a document: names of fields and numbers in lists."""


def path(*steps: str | int) -> str:
    """Join steps into a path: ``path("services", 1, "name")`` is ``services[1].name``."""
    joined = ""
    for step in steps:
        if isinstance(step, int):
            joined += f"[{step}]"
        else:
            joined += f".{_readable(step)}" if joined else _readable(step)
    return joined


def _readable(step: str) -> str:
    """Names of unknown fields may hold anything: keep line breaks and the like out of messages."""
    short = shorten(step)
    return short if short.isprintable() else ascii(short)
