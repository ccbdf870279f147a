"""The executions of Jupyter servers, as spawners ask for them: each call waits for the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from zoe_core.cluster import ExecutionStatus
from zoe_core.zapp import Changes
from zoe_hub.expected import of_waiting
from zoe_hub.feed import EventFeed
from zoe_hub.link import MasterAway, MasterLink
from zoe_hub.spawn_steps import SpawnFailed
from zoe_hub.submission import Order
from zoe_store import executions, servers
from zoe_store.database import Database, DatabaseAway
from zoe_store.events import read_events
from zoe_store.executions import ExecutionRecord

P = ParamSpec("P")
T = TypeVar("T")

LOOK_EVERY = 1.0
"""Seconds between looks while something waits, when no event tells of a change."""

HOLD_PATIENCE = 10.0
"""Seconds that the master has to say what became of a server that it was just starting."""

RESTARTED = "JupyterHub was restarted while the server was waiting."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerExecutions:
    """What happens to the execution behind a server. Nothing here raises DatabaseAway."""

    database: Database
    link: MasterLink
    feed: EventFeed

    # --- look ---

    async def get(self, execution_id: int) -> ExecutionRecord | None:
        """The execution; None when there is none."""
        return await self._store(executions.get, self.database, execution_id)

    async def live(self, user: str, server_name: str) -> ExecutionRecord | None:
        """The execution that is this server and has not ended."""
        return await self._store(executions.live_server, self.database, user, server_name)

    async def is_as_asked(self, earlier: ExecutionRecord, order: Order, *, meant: bool) -> bool:
        """Whether it is what is asked for, but for what was changed since its launch.

        ``meant``: it is asked for by its id, so its memory, cores and runtime limit are right.
        """
        asked = (order.zapp, dict(order.parameters), order.name)
        if (earlier.zapp, earlier.parameters, earlier.name) != asked:
            return False
        if meant:
            return True
        changed = await self._store(
            read_events, self.database, after=0, execution_id=earlier.id, kind="changed"
        )
        wanted = order.changes
        for each in changed:
            given = {name: value for name, value in each.data.items() if name != "by"}
            wanted = wanted.followed_by(Changes.model_validate(given))
        return _sizes(wanted) == _sizes(Changes.model_validate(earlier.changes))

    async def until_running(self, execution_id: int) -> None:
        """Return when it runs; raises SpawnFailed when it ends instead."""
        while True:
            record = await self.get(execution_id)
            _fail_if_ended(record)
            if record is not None and record.status is ExecutionStatus.RUNNING:
                return
            await self.feed.changed(execution_id, LOOK_EVERY)

    async def check_lives(self, execution_id: int) -> None:
        """Raise SpawnFailed when it has ended or is about to."""
        _fail_if_ended(await self.get(execution_id))

    async def address(self, execution_id: int, service: str, port: int) -> str:
        """Where a port of a running service is reached, once known; raises SpawnFailed."""
        while True:
            found = await self._store(executions.instances_of, self.database, [execution_id])
            for instance in found[execution_id]:
                for inner, host, outer in instance.addresses:
                    if instance.service == service and inner == port:
                        return f"http://{host}:{outer}"
            await self.check_lives(execution_id)
            await self.feed.changed(execution_id, LOOK_EVERY)

    async def until_ended(self, execution_id: int) -> None:
        """Return when nothing of it is left."""
        while True:
            record = await self.get(execution_id)
            if record is None or record.final:
                return
            await self.feed.changed(execution_id, LOOK_EVERY)

    async def progress(self, execution_id: int | None) -> dict[str, Any]:
        """What the spawn page shows of it: percent and a sentence; None: it is not stored yet.

        ``expected`` is another sentence: when it will probably start, while somebody knows.
        """
        if execution_id is None:
            return {"progress": 5, "message": "Your request is being checked."}
        record = await self.get(execution_id)
        match None if record is None else record.status:
            case ExecutionStatus.SUBMITTED | ExecutionStatus.QUEUED:
                return {"progress": 20, **await self._in_the_queue(execution_id)}
            case ExecutionStatus.STARTING:
                return {"progress": 50, "message": "There is room for you: your server starts."}
            case ExecutionStatus.RUNNING:
                return {"progress": 80, "message": "Your server runs and will answer in a moment."}
            case _:
                return {"progress": 90, "message": "Your server has ended."}

    async def _in_the_queue(self, execution_id: int) -> dict[str, str]:
        try:
            entry = (await self.link.explain_all([execution_id])).get(execution_id)
        except MasterAway as error:
            return {"message": f"Your request is kept and goes on as soon as it can: {error}."}
        except DatabaseAway:
            away = "Your request is kept and goes on as soon as the database answers."
            return {"message": away}
        if entry is None:
            return {"message": "Your request is kept and will be looked at in a moment."}
        why = entry.explanation
        message = f"You are number {why.position} in the queue. {' '.join(why.reasons)}"
        expected = of_waiting(entry.expected, datetime.now(UTC))
        return {"message": message, "expected": expected.text}

    # --- wish ---

    async def wish_end(self, execution_id: int, reason: str) -> bool:
        """Wish its end; False when it has ended or that is wished already."""
        now = datetime.now(UTC)
        first = await self._store(
            executions.request_termination, self.database, execution_id, servers.BY, reason, now
        )
        await self.link.wake()
        return first

    async def hold(self, execution_id: int) -> bool:
        """Keep it from being started with its old secrets; False when it does not wait any longer.

        One that is just being started may come to run all the same: for a moment this waits for
        the master's word on it.
        """
        loop = asyncio.get_running_loop()
        patience_ends = loop.time() + HOLD_PATIENCE
        while await self._wish_hold(execution_id):
            record = await self.get(execution_id)
            starting = record is not None and record.status is ExecutionStatus.STARTING
            if not starting or loop.time() > patience_ends:
                return True
            await self.feed.changed(execution_id, LOOK_EVERY)
        return False

    async def take_over(self, execution_id: int, secrets: Mapping[str, str]) -> bool:
        """Give one that waits new secrets, in its place of the queue; False when it does not wait.

        Waits until the master has confirmed that it starts nothing with the old ones.
        """
        while not await self._relaunch(execution_id, secrets):
            if not await self._wish_hold(execution_id):
                return False
            await self.feed.changed(execution_id, LOOK_EVERY)
        return True

    async def _wish_hold(self, execution_id: int) -> bool:
        now = datetime.now(UTC)
        waits = await self._store(servers.hold, self.database, execution_id, RESTARTED, now)
        await self.link.wake()
        return waits

    async def _relaunch(self, execution_id: int, secrets: Mapping[str, str]) -> bool:
        now = datetime.now(UTC)
        done = await self._store(servers.relaunch, self.database, execution_id, secrets, now)
        await self.link.wake()
        return done

    async def _store(self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        while True:
            try:
                return await asyncio.to_thread(query, *args, **kwargs)
            except DatabaseAway as error:
                log.warning("The database is away, trying again: %s", error)
                await asyncio.sleep(LOOK_EVERY)


def _sizes(changes: Changes) -> dict[str, Any]:
    """Without the priority, which nobody chooses for a server before it is there."""
    return changes.model_copy(update={"priority": None}).document()


def _fail_if_ended(record: ExecutionRecord | None) -> None:
    if record is None or record.final or record.outcome is not None:
        reason = None if record is None else record.reason
        raise SpawnFailed(reason or "The execution has ended.")
