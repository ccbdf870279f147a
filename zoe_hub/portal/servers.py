"""Starting Jupyter servers of the Hub on behalf of the person who asks, with her own token.

A ZApp with a ``hub_server`` is launched by the Hub: the portal asks its REST interface for a named
server, the Hub's ZoeSpawner submits the execution, and the portal finds that in the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import aiohttp

from zoe_core.names import make_slug, shorten
from zoe_hub.feed import EventFeed
from zoe_hub.outgoing import connector
from zoe_hub.portal.problems import HubAway
from zoe_hub.refusal import UNPROCESSABLE, Refused
from zoe_hub.submission import Launch, Order
from zoe_store import executions
from zoe_store.database import Database
from zoe_store.events import newest_event
from zoe_store.executions import ExecutionRecord

MAX_SERVER_NAME = 30
"""The Hub's own limit is higher; this keeps DNS names and container names short."""

_SEARCHED = 200
"""How many of a user's newest executions are looked through for a server."""


class HubServers:
    """The Hub's servers, through its REST interface at ``api_url``.

    ``patience`` is how many seconds the Hub has to answer and its spawner to submit the execution.
    """

    def __init__(
        self, database: Database, feed: EventFeed, api_url: str, *, patience: float = 15.0
    ) -> None:
        self.database = database
        self.feed = feed
        self.api_url = api_url.rstrip("/")
        self.patience = patience

    async def launch(
        self, token: str, user: str, launch: Launch, idempotency_key: str | None
    ) -> tuple[ExecutionRecord, bool]:
        """Start a named server for ``user``; returns its execution and whether it is new.

        Raises Refused when the token may not start servers, HubAway when the Hub does not answer.
        """
        if idempotency_key is None:
            server_name = await asyncio.to_thread(self._free_name, user, launch.name)
            return await self._start(token, user, server_name, launch), True
        server_name = name_for_key(launch.name, idempotency_key)
        try:
            return await self._start(token, user, server_name, launch), True
        except Refused:
            # The same request, sent twice at once: the Hub refuses a server that is starting.
            earlier = await self.launched_before(user, launch.order, idempotency_key)
            if earlier is None:
                raise
            return earlier, False

    async def launched_before(self, user: str, order: Order, key: str) -> ExecutionRecord | None:
        """The server of an earlier request with this key; raises Refused when that differed.

        The key is not stored with a server: it is a part of its name.
        """
        if order.zapp is None:
            return None
        name = order.name or order.zapp
        earlier = await asyncio.to_thread(self._find, user, name_for_key(name, key))
        if earlier is None:
            return None
        asked = (order.zapp, name, dict(order.parameters))
        if (earlier.zapp, earlier.name, earlier.parameters) != asked:
            raise key_of_another(earlier)
        return earlier

    async def _start(
        self, token: str, user: str, server_name: str, launch: Launch
    ) -> ExecutionRecord:
        before = await asyncio.to_thread(newest_event, self.database)
        await self._ask(token, user, server_name, launch)
        return await self._submitted(user, server_name, before)

    async def _ask(self, token: str, user: str, server_name: str, launch: Launch) -> None:
        url = f"{self.api_url}/users/{quote(user, safe='')}/servers/{server_name}"
        options = {
            "zapp": launch.order.zapp,
            "parameters": dict(launch.order.parameters),
            "name": launch.name,
        }
        headers = {"Authorization": f"token {token}"}
        timeout = aiohttp.ClientTimeout(total=self.patience)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, connector=connector()) as session,
                session.post(url, json=options, headers=headers) as reply,
            ):
                _check_reply(reply.status, await _message(reply))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise HubAway(str(error) or type(error).__name__) from error

    async def _submitted(self, user: str, server_name: str, before: int) -> ExecutionRecord:
        """The execution that the Hub's spawner stores within a moment, after event ``before``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.patience):
                async for event in self.feed.follow(after=before, user=user):
                    found = await asyncio.to_thread(
                        executions.get, self.database, event.execution_id
                    )
                    if found is not None and found.server_name == server_name:
                        return found
        raise HubAway(f"the Hub did not submit server {server_name!r}")

    def _find(self, user: str, server_name: str) -> ExecutionRecord | None:
        """The live execution of a server, or the newest that was it."""
        live = executions.live_server(self.database, user, server_name)
        if live is not None:
            return live
        recent = executions.find(self.database, user=user, limit=_SEARCHED)
        return next((each for each in recent if each.server_name == server_name), None)

    def _free_name(self, user: str, name: str) -> str:
        """The first of ``lab``, ``lab-2``, ``lab-3`` … that is not a live server of the user."""
        number = 1
        while True:
            candidate = numbered_name(name, number)
            if executions.live_server(self.database, user, candidate) is None:
                return candidate
            number += 1


def numbered_name(name: str, number: int) -> str:
    """A server name from an execution's name: ``My Lab`` gives ``my-lab``, then ``my-lab-2``."""
    return _with_ending(name, f"-{number}" if number > 1 else "")


def name_for_key(name: str, idempotency_key: str) -> str:
    """The one server name of an idempotency key: a repeated request finds the same server."""
    return _with_ending(name, f"-{sha256(idempotency_key.encode()).hexdigest()[:8]}")


def _with_ending(name: str, ending: str) -> str:
    base = re.sub(r"^[^a-z]+", "", make_slug(name)) or "server"
    return base[: MAX_SERVER_NAME - len(ending)].rstrip("-") + ending


def key_of_another(earlier: ExecutionRecord) -> Refused:
    """The refusal of a key that belongs to an earlier request, which was another one."""
    return Refused(
        UNPROCESSABLE,
        "The key was used before",
        f"The Idempotency-Key belongs to execution {earlier.id}, which is another request: "
        "send a new key with a new request.",
        field="Idempotency-Key",
    )


async def _message(reply: aiohttp.ClientResponse) -> str:
    """What the Hub says in words, if it says anything."""
    if reply.status < 400:
        return ""
    try:
        answer: Any = await reply.json(content_type=None)
        return shorten(str(answer["message"]), 300)
    except (ValueError, KeyError, TypeError):
        return ""


def _check_reply(status: int, message: str) -> None:
    if status < 400:
        return
    if status in (401, 403, 404):
        raise Refused(
            403,
            "Not allowed to start servers",
            "This ZApp is a Jupyter server: starting it needs the scope servers!user, which your "
            "token does not have. Make a token with it, or launch it in the browser.",
        )
    if status == 429:
        raise Refused(429, "The Hub is busy", message or "Try again in a moment.")
    if status < 500:
        raise Refused(409, "The Hub refused the server", message or "It did not say why.")
    raise HubAway(f"HTTP {status} {message}")
