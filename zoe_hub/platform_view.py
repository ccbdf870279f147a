"""The master, its nodes and the quotas as the database has them, read at most once a second.

Every launch is checked against them: a hundred launches a second must not mean a hundred reads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from zoe_core.cluster import Node, Quotas
from zoe_store import cluster, quotas
from zoe_store.cluster import MasterRecord
from zoe_store.database import Database

BELIEVED = 1.0
"""Seconds for which what was read is believed."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What was read at one moment.

    ``nodes`` is empty while one is away of which nobody has seen yet how large it is.
    """

    master: MasterRecord
    nodes: tuple[Node, ...]
    quotas: Quotas


class PlatformView:
    """Used on one event loop only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reading: asyncio.Task[Platform] | None = None
        self._since = 0.0

    async def look(self) -> Platform:
        """The platform of a second ago at most; raises DatabaseAway when it cannot be read."""
        reading = self._reading
        if reading is None or (reading.done() and self._is_over(reading)):
            self._since = time.monotonic()
            reading = self._reading = asyncio.create_task(asyncio.to_thread(self._read))
        # Many may wait for it: that one of them gives up does not end it for the others.
        return await asyncio.shield(reading)

    def _is_over(self, reading: asyncio.Task[Platform]) -> bool:
        failed = reading.cancelled() or reading.exception() is not None
        return failed or time.monotonic() - self._since > BELIEVED

    def _read(self) -> Platform:
        return Platform(
            cluster.master_record(self._database),
            _if_all_known(cluster.known_nodes(self._database)),
            quotas.read_quotas(self._database),
        )


def _if_all_known(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Nothing is too large for an engine that has not answered yet: it waits for that."""
    unseen = any(not node.online and not node.capacity.memory for node in nodes)
    return () if unseen else tuple(nodes)
