"""Keeps the garbage collector from stopping a process that remembers much, for as long."""

from __future__ import annotations

import gc

THRESHOLDS = (20_000, 5, 1000)
"""New objects, and collections of each younger generation, before a generation is collected.

By default a collection of all objects may come every 70,000 new ones. With ten thousand executions
it takes up to a second, in which nobody is answered. What lives long here are views without cycles,
which need no collector; what has cycles is young, and is found all the same.
"""


def make_rare() -> None:
    """Collect all objects seldom from now on, and those that are there by now never."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
