"""An expected start as pages show it: the guess, and apart from it how far that may be wrong."""

from __future__ import annotations

from dataclasses import dataclass

from zoe_core.protocol.rest import ExpectedStart
from zoe_core.waiting import StartEstimate, in_parts


@dataclass(frozen=True, slots=True)
class When:
    """``guess`` is a sentence; ``spread`` goes on in smaller letters, and may be empty."""

    guess: str
    spread: str = ""
    known: bool = True


def when(start: ExpectedStart) -> When:
    """The sentence of a start, with its range apart."""
    if start.status == "later":
        guess, spread = in_words(start)
        if spread:
            return When(f"Starts {guess},", f"{spread}.")
    return When(start.text, known=start.mid_s is not None)


def in_words(start: ExpectedStart) -> tuple[str, str]:
    """The guess of a start that is foreseen, ``in about 12 min``, and its range, if any."""
    return in_parts(StartEstimate(start.low_s, start.mid_s, start.high_s))
