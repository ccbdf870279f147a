"""How long executions have run, and from that how long one will probably run."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

KEPT_OF_USER = 20
"""Run times that are kept of one user and ZApp: of late, so that a change of habits shows soon."""

KEPT_OF_ZAPP = 100
"""Run times that are kept of one ZApp, whoever ran it."""

MAX_NAMES = 10_000
"""ZApps of users, and ZApps, of which anything is kept; those that ran least lately are dropped."""

LOW, MID, HIGH = 0.1, 0.5, 0.9
"""The chances that a run is no longer than what is predicted."""


_Name = TypeVar("_Name")


class Basis(StrEnum):
    """What a prediction rests on."""

    USER = "user"
    """Runs of the same ZApp by the same user."""
    ZAPP = "zapp"
    """Runs of the same ZApp by others."""
    LIMIT = "limit"
    """Its runtime limit alone."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Run times in seconds, from the start: of ten runs one is shorter than ``low``, five than
    ``mid``, nine than ``high``."""

    low: float
    mid: float
    high: float
    basis: Basis

    def left(self, elapsed: float, least: float) -> Prediction:
        """What is left after ``elapsed`` seconds, never under ``least`` seconds."""
        low, mid, high = (max(least, each - elapsed) for each in (self.low, self.mid, self.high))
        return Prediction(low, mid, high, self.basis)


class History:
    """The last run times of each ZApp, by user and in all. Nothing of it grows without bound."""

    def __init__(self) -> None:
        self._of_users: dict[tuple[str, str], deque[float]] = {}
        self._of_zapps: dict[str, deque[float]] = {}

    def record(self, user: str, zapp_name: str, seconds: float) -> None:
        """An execution of this user has ended ``seconds`` after it started."""
        _add(self._of_users, (user, zapp_name), seconds, KEPT_OF_USER)
        _add(self._of_zapps, zapp_name, seconds, KEPT_OF_ZAPP)

    def predict(
        self, user: str, zapp_name: str, limit: float | None, survived: float = 0.0
    ) -> Prediction | None:
        """How long it will run in all, in seconds; None when nothing is known about it.

        By runs of the same user and ZApp, else of the same ZApp; never above its runtime ``limit``.
        Only runs that took longer than the ``survived`` seconds that it runs already tell anything;
        one that has outlived all that are known is due to end, but may run as long again. Of a ZApp
        that never ran only the limit is known: it is taken to need all of that, or to end at once.
        """
        of_user = self._of_users.get((user, zapp_name), ())
        of_zapp = self._of_zapps.get(zapp_name, ())
        for runs, basis in ((of_user, Basis.USER), (of_zapp, Basis.ZAPP)):
            longer = sorted(each for each in runs if each > survived)
            if longer:
                return _capped(_quantiles(longer, survived), basis, limit)
        if of_zapp:
            basis = Basis.USER if of_user else Basis.ZAPP
            return _capped((survived, survived, 2 * survived), basis, limit)
        return None if limit is None else _capped((survived, limit, limit), Basis.LIMIT, limit)


def _add(kept: dict[_Name, deque[float]], name: _Name, seconds: float, most: int) -> None:
    runs = kept.pop(name, None) or deque(maxlen=most)
    runs.append(max(0.0, seconds))
    kept[name] = runs  # at the end: the names that ran least lately come first
    if len(kept) > MAX_NAMES:
        del kept[next(iter(kept))]


def _quantiles(runs: list[float], survived: float) -> tuple[float, float, float]:
    """Of sorted run times above ``survived``, robust against single odd ones.

    The k-th of n is taken as the quantile k / (n + 1), linear in between (Weibull; type 6 of
    Hyndman and Fan, The American Statistician, 1996). Few runs know nothing of the tails: they are
    taken to end at half the shortest, or at ``survived``, and at twice the longest.
    """
    points = [max(survived, runs[0] / 2), *runs, 2 * runs[-1]]
    return _at(points, LOW), _at(points, MID), _at(points, HIGH)


def _at(points: list[float], chance: float) -> float:
    """Between points that are equally far apart in chance, from 0 to 1."""
    below, part = divmod(chance * (len(points) - 1), 1)
    low, high = points[int(below) : int(below) + 2]
    return low + part * (high - low)


def _capped(quantiles: tuple[float, float, float], basis: Basis, limit: float | None) -> Prediction:
    low, mid, high = (each if limit is None else min(each, limit) for each in quantiles)
    return Prediction(low, mid, high, basis)
