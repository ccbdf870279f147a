"""Where facts wait for the next step; filled from any thread, emptied by the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from zoe_core.cluster import Node
from zoe_master.engine.last_words import harmless
from zoe_master.engine.reactor import Facts, Sighting

_LONGEST = 1000  # characters of a detail


class Inbox:
    """Facts that the loop has not yet taken in, and the bell that wakes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts = Facts()
        self._loop = asyncio.get_running_loop()
        self._bell = asyncio.Event()

    def wake(self) -> None:
        """Let the loop look now; from any thread."""
        self._loop.call_soon_threadsafe(self._bell.set)

    def saw(self, *sightings: Sighting) -> None:
        """Observations of instances; from any thread."""
        fit = [_fit(each) for each in sightings]
        with self._lock:
            self._facts.sightings.extend(fit)
        self.wake()

    def cleaned(self, execution_id: int) -> None:
        """Nothing of an execution is left on the back-end; from any thread."""
        with self._lock:
            self._facts.cleaned.append(execution_id)
        self.wake()

    def saw_nodes(self, nodes: Sequence[Node]) -> None:
        """The nodes as they are now; from any thread."""
        with self._lock:
            self._facts.nodes = nodes
        self.wake()

    def saw_list(self, since: float, *sightings: Sighting) -> None:
        """A full list, begun at that moment (``time.monotonic``); from any thread."""
        fit = [_fit(each) for each in sightings]
        with self._lock:
            self._facts.sightings.extend(fit)
            self._facts.listed = since
        self.wake()

    def end_all(self, reason: str) -> None:
        """End all that runs and start nothing more."""
        with self._lock:
            self._facts.end_all = reason
        self.wake()

    async def wait(self, timeout: float) -> None:
        """Return when there is something to do, at the latest after ``timeout`` seconds."""
        # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the bell.
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._bell.wait()
        self._bell.clear()

    def take(self) -> Facts:
        """All facts so far; they are the caller's now."""
        with self._lock:
            taken, self._facts = self._facts, Facts()
        return taken

    def put_back(self, facts: Facts) -> None:
        """Return facts that could not be written down; they go before newer ones."""
        with self._lock:
            newer = self._facts
            self._facts = Facts(
                sightings=[*facts.sightings, *newer.sightings],
                cleaned=[*facts.cleaned, *newer.cleaned],
                nodes=facts.nodes if newer.nodes is None else newer.nodes,
                listed=facts.listed if newer.listed is None else newer.listed,
                end_all=newer.end_all or facts.end_all,
            )


def _fit(sighting: Sighting) -> Sighting:
    """With a detail that can be kept and shown: a back-end may quote what a program has said.

    All that back-ends tell of instances passes here, so none of them can bring what the database
    refuses.
    """
    seen = sighting.observation
    if seen.detail is None:
        return sighting
    return replace(sighting, observation=replace(seen, detail=harmless(seen.detail, _LONGEST)))
