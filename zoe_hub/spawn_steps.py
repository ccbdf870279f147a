"""Waiting for a server: until it answers, and how a failed spawn tells people why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
from jupyterhub.spawner import SpawnException

from zoe_hub.outgoing import connector

KNOCK_EVERY = 0.025
"""Seconds between the first tries to reach a server; most answer within two seconds."""

KNOCK_AT_MOST_EVERY = 1.0
"""Seconds between later tries: one that never answers must not keep the Hub busy."""

KNOCK_PATIENCE = 5.0
"""Seconds that a server which was reached has to answer, before it is asked again."""


class SpawnFailed(SpawnException):
    """The server did not come up. JupyterHub shows the message, with the HTTP status."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message, reason="zoe", status_code=status)


async def until_it_answers(url: str, still_there: Callable[[], Awaitable[None]]) -> None:
    """Knock at ``url`` until something answers; the Hub would knock ever more slowly.

    ``still_there`` raises when there is no use in waiting any longer; asked once a second.
    """
    delay, since_asked = KNOCK_EVERY, 0.0
    timeout = aiohttp.ClientTimeout(total=KNOCK_PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector()) as session:
        while not await _answers(session, url):
            if since_asked >= 1.0:
                await still_there()
                since_asked = 0.0
                delay = min(delay * 1.3, KNOCK_AT_MOST_EVERY)
            await asyncio.sleep(delay)
            since_asked += delay


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    """Redirects are not followed: where they lead is the user's choice, not the Hub's."""
    try:
        async with session.get(url, allow_redirects=False) as answer:
            return answer.status < 500
    except (aiohttp.ClientError, TimeoutError):
        return False
