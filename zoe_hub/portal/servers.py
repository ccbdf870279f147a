"""Starting Jupyter servers of the Hub on behalf of the person who asks, with her own token.

A ZApp with a ``hub_server`` is launched by the Hub: the portal asks its REST interface for a named
server, the Hub's ZoeSpawner submits the execution, and the portal finds that in the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from hashlib import sha256

from zoe_core.names import make_slug
from zoe_hub.feed import EventFeed
from zoe_hub.portal.hub_rest import HubRest, server_path
from zoe_hub.portal.problems import HubAway
from zoe_hub.refusal import UNPROCESSABLE, Refused
from zoe_hub.server_options import ServerOptions
from zoe_hub.submission import Launch, Order
from zoe_store import executions
from zoe_store.database import Database
from zoe_store.events import newest_event
from zoe_store.executions import ExecutionRecord

MAX_SERVER_NAME = 30
"""The Hub's own limit is higher; this keeps DNS names and container names short."""


class HubServers:
    """The Hub's servers, through its REST interface.

    Its spawner has as many seconds to submit the execution as ``hub`` has to answer.
    """

    def __init__(self, database: Database, feed: EventFeed, hub: HubRest) -> None:
        self.database = database
        self.feed = feed
        self.hub = hub

    async def launch(
        self, token: str, user: str, launch: Launch, idempotency_key: str | None
    ) -> tuple[ExecutionRecord, bool]:
        """Start a named server for ``user``; returns its execution and whether it is new.

        The spawner stores the key with the execution. Raises Refused when the token may not start
        servers, HubAway when the Hub does not answer: then the server may still start.
        """
        if idempotency_key is None:
            server_name = await asyncio.to_thread(self._free_name, user, launch.name)
        else:
            server_name = name_for_key(launch.name, idempotency_key)
        options = ServerOptions(
            zapp=launch.order.zapp,
            parameters=dict(launch.order.parameters),
            resources=dict(launch.order.resources) or None,
            runtime_limit=launch.order.runtime_limit,
            name=launch.name,
            idempotency_key=idempotency_key,
            asked_name=launch.order.name if idempotency_key else None,
        )
        before = await asyncio.to_thread(newest_event, self.database)
        try:
            await self._ask(token, user, server_name, options)
        except Refused:
            # The same request, sent twice at once: the Hub refuses a server that is starting.
            earlier = await self._launched(user, launch.order, idempotency_key)
            if earlier is None:
                raise
            return earlier, False
        # The second of two such requests may find it stored by now.
        stored = await self._launched(user, launch.order, idempotency_key)
        return stored or await self._submitted(user, server_name, before), True

    async def _ask(self, token: str, user: str, server_name: str, options: ServerOptions) -> None:
        body = {"user_options": options.document()}
        reply = await self.hub.call("POST", server_path(user, server_name), token, body)
        _check_reply(reply.status, reply.message)

    async def _submitted(self, user: str, server_name: str, before: int) -> ExecutionRecord:
        """The execution that the Hub's spawner stores within a moment, after event ``before``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.hub.patience):
                async for event in self.feed.follow(after=before, user=user):
                    found = await asyncio.to_thread(
                        executions.get, self.database, event.execution_id
                    )
                    if found is not None and found.server_name == server_name:
                        return found
        raise HubAway(f"the Hub did not submit server {server_name!r}")

    async def _launched(
        self, user: str, order: Order, idempotency_key: str | None
    ) -> ExecutionRecord | None:
        if idempotency_key is None:
            return None
        return await asyncio.to_thread(
            launched_with_key, self.database, user, order, idempotency_key
        )

    def _free_name(self, user: str, name: str) -> str:
        """The first of ``lab``, ``lab-2``, ``lab-3`` … that is not a live server of the user."""
        number = 1
        while True:
            candidate = numbered_name(name, number)
            if executions.live_server(self.database, user, candidate) is None:
                return candidate
            number += 1


def launched_with_key(
    database: Database, user: str, order: Order, idempotency_key: str
) -> ExecutionRecord | None:
    """What this user launched with this key; raises Refused when that was another request."""
    found = executions.by_idempotency_key(database, user, idempotency_key)
    if found is None:
        return None
    earlier, fingerprint = found
    if fingerprint == order.fingerprint():
        return earlier
    raise Refused(
        UNPROCESSABLE,
        "The key was used before",
        f"The Idempotency-Key belongs to execution {earlier.id}, which is another request: "
        "send a new key with a new request.",
        field="Idempotency-Key",
    )


def numbered_name(name: str, number: int) -> str:
    """A server name from an execution's name: ``My Lab`` gives ``my-lab``, then ``my-lab-2``."""
    return _with_ending(name, f"-{number}" if number > 1 else "")


def name_for_key(name: str, idempotency_key: str) -> str:
    """The one server name of an idempotency key: a repeated request finds the same server."""
    return _with_ending(name, f"-{sha256(idempotency_key.encode()).hexdigest()[:8]}")


def _with_ending(name: str, ending: str) -> str:
    base = re.sub(r"^[^a-z]+", "", make_slug(name)) or "server"
    return base[: MAX_SERVER_NAME - len(ending)].rstrip("-") + ending


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
