"""What keeps containers from being started, for the person who has just started Zoe."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress

from jupyterhub.utils import exponential_backoff

from zapp_gallery.loader import load_gallery
from zoe_core.cluster import Node
from zoe_store.cluster import known_nodes, master_record
from zoe_store.database import Database, DatabaseAway

_LOOK_EVERY = 0.25  # seconds
_PATIENCE = 20.0  # seconds in which a master that starts has spoken to its engines
_FRESH = 2.0  # seconds for which an acting master was not seen at most
_SETTLED = 1.5  # seconds after which what it found is in the database


async def say_remarks(database_url: str) -> None:
    """Wait for the master's first look at its nodes, and print what is to be done; or nothing."""
    with closing(Database(database_url)) as database, suppress(DatabaseAway, TimeoutError):
        await exponential_backoff(
            lambda: asyncio.to_thread(_master_acts, database),
            "no master acts",
            start_wait=_LOOK_EVERY,
            max_wait=_LOOK_EVERY,
            timeout=_PATIENCE,
        )
        await asyncio.sleep(_SETTLED)
        nodes = await asyncio.to_thread(known_nodes, database)
        images = (each.image for entry in load_gallery().values() for each in entry.zapp.services)
        for remark in remarks(nodes, images):
            print(remark, flush=True)


def remarks(nodes: Sequence[Node], images: Iterable[str]) -> list[str]:
    """A line for each engine that does not answer, and one for the images that none of them has."""
    said = [
        f"No Docker Engine answers as {node.name!r}: nothing runs there until it does "
        "(docs/docker.md, “Engines”)."
        for node in nodes
        if not node.online
    ]
    there = frozenset[str]().union(*(node.local_images for node in nodes))
    missing = sorted(set(images) - there)
    if missing and any(node.online for node in nodes):
        said.append(
            f"No engine has {', '.join(missing)}: “make images” builds the gallery's images."
        )
    return said


def _master_acts(database: Database) -> bool:
    away_for = master_record(database).away_for
    return away_for is not None and away_for < _FRESH
