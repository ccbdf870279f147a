"""What an instance that failed said in the end: as a rule that is why."""

from __future__ import annotations

import unicodedata

TAIL = 4096
"""How many bytes of the end of a log are looked at."""

_LONGEST = 200  # characters


def last_line(log: bytes) -> str:
    """The last line of ``log`` that is not blank, fit for a sentence: short, without controls.

    A program writes what it likes; escape sequences of terminals would reach who reads the reason.
    """
    for line in reversed(log.decode(errors="replace").splitlines()):
        text = harmless(line, _LONGEST)
        if text:
            return text
    return ""


def harmless(text: str, longest: int) -> str:
    """``text`` in one line and without controls; what is over ``longest`` characters is cut off."""
    plain = " ".join("".join(map(_visible, text)).split())
    return plain if len(plain) <= longest else plain[:longest] + "…"


def _visible(character: str) -> str:
    return " " if unicodedata.category(character).startswith(("C", "Z")) else character
