"""Connections that the hub makes: to servers, to endpoints, to JupyterHub's REST interface."""

from __future__ import annotations

import aiohttp


def connector(limit: int = 100) -> aiohttp.TCPConnector:
    """At most ``limit`` connections at once (0: any number), names resolved as the system does.

    JupyterHub brings aiodns, which aiohttp prefers by itself; each of its resolvers holds a thread
    and an inotify instance, and a person may have 128 of those.
    """
    return aiohttp.TCPConnector(limit=limit, resolver=aiohttp.ThreadedResolver())
