"""Launches the Jupyter servers again that JupyterHub forgot when it was restarted.

A server that waits in the queue cannot go on by itself: its token died with the Hub that made it.
The Hub's spawner puts it on hold, and this asks the Hub for the same server once more; the spawner
then takes over the execution that waits. What the Hub will never ask for again, because its user or
its server were deleted there, is ended.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from zoe_core.cluster import ExecutionStatus
from zoe_hub.feed import EventFeed
from zoe_hub.link import MasterLink
from zoe_hub.portal.hub_rest import HubRest, server_path, user_path
from zoe_hub.portal.problems import HubAway
from zoe_hub.server_options import ServerOptions
from zoe_store import executions
from zoe_store.database import Database, DatabaseAway
from zoe_store.servers import BY, LiveServer, is_held, live_servers

LOOK_EVERY = 1.0
"""Seconds between looks for servers on hold; a look is one query."""

PATIENCE = 10.0
"""Seconds that a server has to be taken over, before the next one is launched."""

COMPARE_EVERY = 300.0
"""Seconds between comparisons of all live servers with those that the Hub has."""

LONGEST_PAUSE = 15.0
"""Seconds between looks, at most, while something is away or the same servers stay on hold."""

NEEDED_SCOPES = frozenset({"read:servers", "start:servers"})

NO_USER = "JupyterHub does not know its user any more."
NO_SERVER = "JupyterHub does not know this server any more."

log = logging.getLogger(__name__)


class Respawner:
    """Runs beside the portal, from ``start`` to ``close``; ``token`` is the portal's own."""

    def __init__(
        self, database: Database, link: MasterLink, feed: EventFeed, hub: HubRest, token: str
    ) -> None:
        self._database = database
        self._link = link
        self._feed = feed
        self._hub = hub
        self._token = token
        self._compared_at: float | None = None  # time.monotonic(); None: not since the Hub is back
        self._complaint = ""
        self._task: asyncio.Task[None] | None = None
        self._launches: set[asyncio.Task[bool]] = set()

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop looking; what the Hub was asked for goes on there."""
        tasks = [*self._launches, *([] if self._task is None else [self._task])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        pause, known = LOOK_EVERY, frozenset[int]()
        while True:
            held = await self._look_quietly()
            if held is not None and (not held or held - known):
                pause = LOOK_EVERY
            else:
                pause = min(2 * pause, LONGEST_PAUSE)
            known = known if held is None else held
            await asyncio.sleep(pause)

    async def _look_quietly(self) -> frozenset[int] | None:
        """``_look``; None when a part of Zoe is away, which is logged once."""
        try:
            held = await self._look()
        except (DatabaseAway, HubAway) as error:
            self._compared_at = None
            self._complain(f"Servers that wait are not looked after until it is back: {error}")
            return None
        except Exception:  # an edge: nobody else would look after them
            log.exception("Looking after the servers that wait has failed; it goes on")
            return None
        self._complain("")
        return held

    def _complain(self, complaint: str) -> None:
        if complaint and complaint != self._complaint:
            log.warning("%s", complaint)
        self._complaint = complaint

    async def _look(self) -> frozenset[int]:
        """See to the servers on hold, and to all from time to time; returns those on hold."""
        live = await asyncio.to_thread(live_servers, self._database)
        held = frozenset(each.id for each in live if each.held)
        now = time.monotonic()
        comparing = self._compared_at is None or now >= self._compared_at + COMPARE_EVERY
        wanted = live if comparing else [each for each in live if each.held]
        if wanted and await self._may_launch():
            await self._see_to(wanted)
        if comparing:
            self._compared_at = now
        return held

    async def _may_launch(self) -> bool:
        """Without its scopes the Hub would seem to know nobody: better do nothing then."""
        reply = await self._hub.call("GET", "/user", self._token)
        scopes = reply.document.get("scopes", ()) if reply.status == 200 else ()
        if missing := NEEDED_SCOPES.difference(scopes):
            names = ", ".join(sorted(missing))
            log.error("Servers cannot be launched again: the portal lacks the scopes %s", names)
        return not missing

    async def _see_to(self, servers: Sequence[LiveServer]) -> None:
        """In the order of their submission, which is mostly that of the queue."""
        known: dict[str, Mapping[str, Any] | None] = {}
        for server in servers:
            if server.user not in known:
                known[server.user] = await self._servers_of(server.user)
            theirs = known[server.user]
            if theirs is None:
                await self._end(server, NO_USER)
            elif server.server_name not in theirs:
                await self._end(server, NO_SERVER)
            elif theirs[server.server_name]["stopped"]:
                await self._launch(server, theirs[server.server_name]["user_options"] or {})

    async def _servers_of(self, user: str) -> Mapping[str, Any] | None:
        """The servers of a user, by name, as the Hub knows them; None when it does not know her."""
        path = f"{user_path(user)}?include_stopped_servers"
        reply = await self._hub.call("GET", path, self._token)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise HubAway(f"HTTP {reply.status} {reply.message}")
        servers: Mapping[str, Any] = reply.document["servers"]
        return servers

    async def _launch(self, server: LiveServer, kept: Mapping[str, Any]) -> None:
        """Ask the Hub, and go on when the spawner has taken it over, or the Hub will not launch it.

        Until then the master starts what is behind it in the queue, if there is room. So the next
        one stays on hold, for a while: a Hub that never comes to it must not keep all others.
        ``kept`` are the options that the Hub has of its last start.
        """
        record = await asyncio.to_thread(executions.get, self._database, server.id)
        if record is None or record.final or record.status is ExecutionStatus.CLEANING_UP:
            return  # it has ended since it was looked up
        launch = asyncio.create_task(self._ask_for(server, kept))
        self._launches.add(launch)
        launch.add_done_callback(self._launches.discard)
        patience_ends = time.monotonic() + PATIENCE
        while time.monotonic() < patience_ends:
            await self._feed.changed(server.id, LOOK_EVERY)
            held = await asyncio.to_thread(is_held, self._database, server.id)
            if not held or (launch.done() and not launch.result()):
                return

    async def _ask_for(self, server: LiveServer, kept: Mapping[str, Any]) -> bool:
        """Whether the Hub will launch it; it does so once, however often it is asked.

        The spawner takes over only this execution, as it is. The Hub keeps what it is sent for
        later starts without options: so the chosen sizes go with it.
        """
        sizes = {name: kept[name] for name in ("resources", "runtime_limit") if name in kept}
        options = ServerOptions(
            zapp=server.zapp,
            parameters=server.parameters,
            name=server.name,
            execution_id=server.id,
        )
        path = server_path(server.user, server.server_name)
        body = {"user_options": {**sizes, **options.document()}}
        try:
            reply = await self._hub.call("POST", path, self._token, body)
        except HubAway as error:
            log.info("Execution %d: JupyterHub did not answer: %s", server.id, error)
            return False
        if reply.status < 300:
            log.info("Execution %d: launched again after a restart of JupyterHub", server.id)
        else:
            log.warning("Execution %d: not launched again: %s", server.id, reply.message)
        return reply.status < 300

    async def _end(self, server: LiveServer, reason: str) -> None:
        log.warning("Execution %d is ended: %s", server.id, reason)
        now = datetime.now(UTC)
        await asyncio.to_thread(
            executions.request_termination, self._database, server.id, BY, reason, now
        )
        await self._link.wake()
