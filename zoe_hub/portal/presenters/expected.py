"""An expected start as pages show it: the guess, and apart from it how far that may be wrong."""

from __future__ import annotations

from dataclasses import dataclass

from zoe_core.protocol.rest import ExpectedStart


@dataclass(frozen=True, slots=True)
class When:
    """``guess`` is a sentence; ``spread`` goes on in smaller letters, and may be empty."""

    guess: str
    spread: str = ""
    known: bool = True


def when(start: ExpectedStart) -> When:
    """Take the range, which stands in brackets at the end of the sentence, out of it."""
    guess, bracket, spread = start.text.partition(" (")
    if not bracket:
        return When(guess, known=start.mid_s is not None)
    return When(f"{guess},", spread.replace(")", "", 1))
