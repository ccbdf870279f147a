"""How far executions have come: work is done at the rate at which instances run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf


@dataclass(frozen=True, slots=True)
class Work:
    """What an execution has to do before it ends by itself.

    ``amount`` is in instance-seconds: twice the instances, half the time. When it is not
    ``divisible``, as with a person at a notebook, it is in seconds, whatever runs.
    """

    amount: float
    divisible: bool = True


ENDLESS = Work(inf, divisible=False)
"""What only a limit or a person ends."""


class Progress:
    """The work of one execution while virtual time passes."""

    __slots__ = ("_divisible", "_going", "_instances", "_since", "left", "version")

    def __init__(self, now: datetime, work: Work = ENDLESS) -> None:
        self.left = work.amount
        """What was left to do when the rate last changed; see ``Work``."""
        self.version = 0
        """Grows with each change of the rate, so that what was foreseen before can be told."""
        self._divisible = work.divisible
        self._instances = 0
        self._going = False
        self._since = now

    def expect(self, work: Work) -> None:
        """It has this to do from where it stands now."""
        self.left, self._divisible = work.amount, work.divisible
        self.version += 1

    @property
    def rate(self) -> int:
        """Work done in a second."""
        if not self._going:
            return 0
        return self._instances if self._divisible else 1

    def change(self, more: int, going: bool, now: datetime) -> bool:
        """``more`` instances run from now on (less if negative); whether the rate changes.

        Nothing is done unless the execution is ``going``, that is, its gang is whole.
        """
        before = self.rate
        self.left -= before * (now - self._since).total_seconds()
        self._since = now
        self._instances += more
        self._going = going
        if self.rate == before:
            return False
        self.version += 1
        return True

    def done_at(self) -> datetime | None:
        """When all is done if nothing changes, to the microsecond; None: never."""
        if not self.rate or self.left == inf:
            return None
        return self._since + timedelta(seconds=max(0.0, self.left) / self.rate)
