"""What a policy sees, in columns, and what it answers: one sort key for each request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

UNKNOWN_SECONDS = 3600.0
"""What a run time counts as that nothing is known about, in seconds."""

SHORTEST = 1.0
"""No run time counts as less, in seconds: ratios would have no bound."""

LEAST_SHARE = 1e-9
"""Nothing counts as a smaller part of the cluster."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The n requests that are to be put in order: one row each.

    They stand as they would without a policy: by priority, then by submission, then by id.
    ``submitted``: n Unix times. ``users``: n rows of ``Accounts``. ``seconds``: n expected run
    times from start to end, also of those that run already, nan where nothing is known: how far
    one has come is not known, with few elastic instances it comes slowly. ``worked``: n, what the
    instances have done so far, as seconds of all that it may have. ``essential`` and
    ``whole``: n x 3, what the essential, and all, instances reserve: bytes, millicores, devices.
    ``size``: n hints of the ZApps, without a unit.
    """

    submitted: Floats
    users: Rows
    seconds: Floats
    worked: Floats
    essential: Floats
    whole: Floats
    size: Floats

    def known_seconds(self) -> Floats:
        """The n expected run times, with a number for each that is unknown or too short.

        An unknown one counts as ``UNKNOWN_SECONDS`` times the hint of its ZApp. What has worked
        for longer than was expected would go before others for ever, so that counts then.
        """
        known = np.where(np.isnan(self.seconds), UNKNOWN_SECONDS * self.size, self.seconds)
        return np.maximum(np.maximum(known, self.worked), SHORTEST)

    def work(self, capacity: Floats) -> Floats:
        """The n expected run times, each times the dominant share of all that it may have.

        In seconds of the whole cluster, above 0. Short ones of many instances and long ones of few
        compare by it: it is what others wait longer if this one goes first.
        """
        return self.known_seconds() * np.maximum(shares(self.whole, capacity), LEAST_SHARE)


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
    """Orders requests within their priority class.

    ``elastic_in_order``: whether the order counts for elastic instances too, so that a gang takes
    them back only from executions that come after its own. Else essential instances of all come
    before elastic ones of any.
    """

    elastic_in_order: ClassVar[bool]

    def keys(self, requests: Requests, accounts: Accounts, now: float) -> Floats:
        """One number for each request: the smallest first, equal ones as they stand.

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
