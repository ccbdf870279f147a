"""The nodes as pages and REST show them, read at most once a second however many look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from typing import Any, Generic, TypeVar

from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_core.protocol import NodeUse, rest_platform
from zoe_core.protocol.rest import Resources
from zoe_hub.link import MasterAway, MasterLink
from zoe_store import cluster
from zoe_store.database import Database, DatabaseAway

BELIEVED = 1.0
"""Seconds for which what was read is believed."""

LOOK_AGAIN = 2.0
"""Seconds between two looks of somebody who follows."""

PATIENCE = 0.5
"""Seconds to wait for what is used: without it the nodes are shown as well."""

STILL_GOOD = 10.0
"""Seconds for which what was used is shown while a newer answer takes its time."""

_MIB = 2**20

Nodes = tuple[rest_platform.Node, ...]
_Used = Mapping[str, rest_platform.NodeUse]
_T = TypeVar("_T")


class _Shared(Generic[_T]):
    """One reading for all who ask within a second."""

    def __init__(self, read: Callable[[], Coroutine[Any, Any, _T]]) -> None:
        self._read = read
        self._reading: asyncio.Task[_T] | None = None
        self._since = 0.0

    def reading(self) -> asyncio.Task[_T]:
        """It began a second ago at most, or is under way. Others may wait for it as well."""
        reading = self._reading
        if reading is None or (reading.done() and time.monotonic() - self._since > BELIEVED):
            self._since = time.monotonic()
            reading = self._reading = asyncio.create_task(self._read())
        return reading


class ClusterView:
    """The nodes, as the database knows them, with what the master has measured.

    Used on one event loop only.
    """

    def __init__(self, database: Database, link: MasterLink) -> None:
        self._database = database
        self._link = link
        self._nodes = _Shared(self.read)
        self._used = _Shared(self._ask)
        self._last_used: tuple[float, _Used] = (float("-inf"), {})

    async def look(self) -> Nodes:
        """The nodes of a second ago at most, for those who follow them; raises DatabaseAway."""
        return await asyncio.shield(self._nodes.reading())

    async def read(self) -> Nodes:
        """The nodes of this moment, by name; raises DatabaseAway.

        What is used is that of a second ago at most, or of ``STILL_GOOD`` while the scheduler is
        busy.
        """
        await asyncio.wait([self._used.reading()], timeout=PATIENCE)
        at, used = self._last_used
        if time.monotonic() - at > STILL_GOOD:
            used = {}
        return await asyncio.to_thread(_read_nodes, self._database, used)

    async def follow(self) -> AsyncGenerator[Nodes, None]:
        """The nodes, and again whenever they have changed; nothing while the database is away."""
        last: Nodes | None = None
        while True:
            try:
                seen = await self.look()
            except DatabaseAway:
                pass
            else:
                if seen != last:
                    last = seen
                    yield seen
            await asyncio.sleep(LOOK_AGAIN)

    async def _ask(self) -> None:
        """Learn what is used, by node; nothing while nobody can tell."""
        try:
            used = {each.node: _use_document(each) for each in await self._link.nodes_use()}
        except (MasterAway, DatabaseAway):
            used = {}
        self._last_used = time.monotonic(), used


def _read_nodes(database: Database, used: _Used) -> Nodes:
    reserved = cluster.reserved_by_node(database)
    return tuple(
        _node_document(node, reserved.get(node.name, Amount()), used.get(node.name))
        for node in cluster.known_nodes(database)
    )


def _node_document(
    node: Node, reserved: Amount, used: rest_platform.NodeUse | None
) -> rest_platform.Node:
    return rest_platform.Node(
        name=node.name,
        online=node.online,
        draining=node.draining,
        pressured=node.pressured,
        labels=tuple(sorted(node.labels)),
        devices=node.devices,
        capacity=Resources.of(node.capacity),
        reserved=Resources.of(reserved),
        used=used,
        missing_images=dict(sorted(node.missing_images.items())),
    )


def _use_document(measured: NodeUse) -> rest_platform.NodeUse:
    """Rounded: what is told to those who follow does not change with each page of memory."""
    return rest_platform.NodeUse(
        memory=round(measured.memory / _MIB) * _MIB, cores=round(measured.cores, 2)
    )
