"""Ends the Jupyter servers that nobody uses, and warns of it.

What counts as use is what the servers tell JupyterHub (`last_activity`), and the wish to keep one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from zoe_core.idle import Step, Verdict, judge, warning_time
from zoe_hub.link import MasterLink
from zoe_hub.portal.hub_rest import HubRest, user_path
from zoe_hub.portal.presenters.times import seconds_in_words
from zoe_hub.portal.problems import HubAway
from zoe_store import idle
from zoe_store.database import Database, DatabaseAway
from zoe_store.idle import RunningServer

LOOK_EVERY = 60.0
"""Seconds between looks, at most; a look is one query here, and one at the Hub for 100 users."""

PAGE = 100
BY = "Zoe"

log = logging.getLogger(__name__)


class Culler:
    """Runs beside the portal, from ``start`` to ``close``; ``token`` is the portal's own.

    ``timeout`` is in seconds; with 0 nothing is ever ended. ``ends`` has the servers that were
    warned about, and when they will be ended.
    """

    def __init__(
        self, database: Database, link: MasterLink, hub: HubRest, token: str, timeout: float
    ) -> None:
        self.ends: dict[int, datetime] = {}
        self._database = database
        self._link = link
        self._hub = hub
        self._token = token
        self._timeout = timedelta(seconds=timeout)
        # Often enough for the end to come about when it was said, also with a short timeout.
        self._shortest_pause = min(10.0, warning_time(self._timeout).total_seconds() / 10)
        self._kept: dict[int, datetime] = {}
        self._complaint = ""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._timeout:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def keep(self, execution_id: int, by_user: str) -> bool:
        """Somebody wants it to stay; False when it does not run any more, or is about to end."""
        now = datetime.now(UTC)
        self._kept[execution_id] = now  # first: a look that is under way must not end it
        self.ends.pop(execution_id, None)
        return await asyncio.to_thread(idle.keep, self._database, execution_id, by_user, now)

    async def _run(self) -> None:
        while True:
            pause = await self._look_quietly()
            await asyncio.sleep(pause)

    async def _look_quietly(self) -> float:
        """``look``; when a part of Zoe is away, that is logged once."""
        try:
            pause = await self.look()
        except (DatabaseAway, HubAway) as error:
            self._complain(f"No idle servers are ended until it is back: {error}")
            return min(LOOK_EVERY, 2 * self._shortest_pause)
        except Exception:  # an edge: nobody else would look after them
            log.exception("Looking for idle servers has failed; it goes on")
            return LOOK_EVERY
        self._complain("")
        return pause

    def _complain(self, complaint: str) -> None:
        if complaint and complaint != self._complaint:
            log.warning("%s", complaint)
        self._complaint = complaint

    async def look(self) -> float:
        """Do what is to be done about each server now; returns the seconds until the next look."""
        servers = await asyncio.to_thread(idle.running_servers, self._database)
        active = await self._activity() if servers else {}
        looked_at = datetime.now(UTC)
        pause = LOOK_EVERY
        for server in servers:
            verdict = await self._see_to(server, active.get((server.user, server.server_name)))
            if verdict is not None:
                pause = min(pause, (verdict.look_at - looked_at).total_seconds())
        self._forget_all_but({server.id for server in servers})
        return max(pause, self._shortest_pause)

    async def _see_to(self, server: RunningServer, active_at: datetime | None) -> Verdict | None:
        """None: the Hub does not know it as one that runs, and so nothing of its activity."""
        if active_at is None:
            self.ends.pop(server.id, None)
            return None
        used_at = max(server.started_at, server.kept_at or active_at, active_at)
        warned_at, kept_at = server.warned_at, self._kept.get(server.id)
        if kept_at is not None and kept_at > used_at:  # perhaps after the list was read
            used_at, warned_at = kept_at, None
        now = datetime.now(UTC)
        verdict = judge(used_at, warned_at, self._timeout, now)
        if verdict.ends_at is None:
            self.ends.pop(server.id, None)
        else:  # before the event: who hears that looks at once
            self.ends[server.id] = verdict.ends_at
        await self._act(server, verdict, used_at, now)
        return verdict

    async def _act(
        self, server: RunningServer, verdict: Verdict, used_at: datetime, now: datetime
    ) -> None:
        match verdict.step:
            case Step.WARN if verdict.ends_at is not None:
                ends_at = verdict.ends_at
                log.info("Execution %d idles and will be ended at %s", server.id, ends_at)
                await asyncio.to_thread(idle.warn, self._database, server.id, ends_at, now)
            case Step.SPARE:
                log.info("Execution %d is active again", server.id)
                await asyncio.to_thread(idle.say_over, self._database, server.id, now)
            case Step.END if not await self._was_used_since(server, used_at):
                reason = self._reason(now - used_at)
                if await asyncio.to_thread(
                    idle.end, self._database, server.id, used_at, BY, reason, now
                ):
                    log.info("Execution %d is ended: %s", server.id, reason)
                    await self._link.wake()

    async def _was_used_since(self, server: RunningServer, used_at: datetime) -> bool:
        """The Hub's word on this one just now: with many servers the look began a while ago."""
        reply = await self._hub.call("GET", user_path(server.user), self._token)
        if reply.status not in (200, 404):
            raise HubAway(f"HTTP {reply.status} {reply.message}")
        known = reply.document["servers"] if reply.status == 200 else {}
        active = known.get(server.server_name, {}).get("last_activity")
        # One that the Hub has just stopped, or forgotten, is not ours to end.
        return active is None or datetime.fromisoformat(active) > used_at

    def _reason(self, idle_for: timedelta) -> str:
        passed = seconds_in_words(idle_for.total_seconds())
        allowed = seconds_in_words(self._timeout.total_seconds())
        return (
            f"It was idle for {passed}: nobody used it and nothing ran in it. "
            f"Notebook servers that idle for {allowed} are ended here."
        )

    def _forget_all_but(self, running: set[int]) -> None:
        """But not what is to be kept since a moment ago: it may be newer than the list."""
        recent = datetime.now(UTC) - 2 * timedelta(seconds=LOOK_EVERY)
        for each in self.ends.keys() - running:
            del self.ends[each]
        for each in self._kept.keys() - running:
            if self._kept[each] < recent:
                del self._kept[each]

    async def _activity(self) -> Mapping[tuple[str, str], datetime]:
        """When each server that runs was last used, by user and name, as the Hub has it.

        The Hub's pages may be shorter than asked for; the last one is empty.
        """
        found: dict[tuple[str, str], datetime] = {}
        offset = 0
        while page := await self._active_users(offset):
            offset += len(page)
            for user in page:
                for name, server in user.get("servers", {}).items():
                    if server["last_activity"] is not None:
                        moment = datetime.fromisoformat(server["last_activity"])
                        found[user["name"], name] = moment
        return found

    async def _active_users(self, offset: int) -> list[dict[str, Any]]:
        path = f"/users?state=active&limit={PAGE}&offset={offset}"
        reply = await self._hub.call("GET", path, self._token)
        if reply.status != 200:
            raise HubAway(f"HTTP {reply.status} {reply.message}")
        users: list[dict[str, Any]] = reply.document
        return users
