"""What a policy sees, in columns, and what it answers: one sort key for each request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

UNKNOWN_SECONDS = 3600.0
"""What a run time counts as that nothing is known about, in seconds."""

SHORTEST = 1.0
"""No run time counts as less, in seconds: ratios would have no bound."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The n requests that are to be put in order: one row each, by submission, then by id.

    ``submitted``: n Unix times. ``users``: n rows of ``Accounts``. ``seconds``: n expected run
    times, what is left of them for those that run already, nan where nothing is known. ``demand``:
    n x 3, what the essential instances reserve: bytes, millicores, devices. ``size``: n hints of
    the ZApps, without a unit.
    """

    submitted: Floats
    users: Rows
    seconds: Floats
    demand: Floats
    size: Floats

    def known_seconds(self) -> Floats:
        """The n expected run times, with a number for each that is unknown or too short.

        An unknown one counts as ``UNKNOWN_SECONDS`` times the hint of its ZApp.
        """
        known = np.where(np.isnan(self.seconds), UNKNOWN_SECONDS * self.size, self.seconds)
        return np.maximum(known, SHORTEST)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The u users that have requests or hold something: one row each.

    ``held``: u x 3, what each one's instances reserve now: bytes, millicores, devices. ``past``:
    u x 3, the same times seconds, decayed: see ``PastUse``. ``weights``: u, above 0. ``groups``: u
    rows of the first of the user's groups by name, -1 where there is none. ``capacity``: 3, of all
    nodes.
    """

    held: Floats
    past: Floats
    weights: Floats
    groups: Rows
    capacity: Floats


class Policy(Protocol):
    """Orders requests within their priority class."""

    def keys(self, requests: Requests, accounts: Accounts, now: float) -> Floats:
        """One number for each request: the smallest first, equal ones by submission.

        ``now`` is a Unix time. Equal input gives equal keys. The requests are those that wait, and
        with them those that run when the question is which grows first.
        """


def shares(amounts: Floats, capacity: Floats) -> Floats:
    """The dominant share of each row: the largest of its parts of ``capacity``.

    What the cluster has nothing of does not count.
    """
    largest = np.zeros(len(amounts))
    for column, whole in enumerate(capacity.tolist()):  # quicker than along the short axis
        if whole > 0:
            np.maximum(largest, amounts[:, column] / whole, out=largest)
    return largest
