"""ZoeSpawner: a JupyterHub server is an execution, and waits in the same queue as all others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from jupyterhub.scopes import get_scopes_for
from jupyterhub.spawner import Spawner
from jupyterhub.utils import url_path_join
from sqlalchemy.orm import object_session
from traitlets import Unicode

from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol import OWN_ADDRESS
from zoe_core.zapp import Service, ZApp
from zoe_hub.hub_side import HubSide
from zoe_hub.link import MasterAway
from zoe_hub.refusal import Refused
from zoe_hub.spawn_steps import KNOCK_EVERY, SpawnFailed, until_it_answers
from zoe_hub.submission import Launch, Order, Requester
from zoe_store import executions
from zoe_store.database import DatabaseAway
from zoe_store.executions import ExecutionRecord

P = ParamSpec("P")
T = TypeVar("T")

LOOK_EVERY = 1.0
"""Seconds between looks at the queue while a server waits: others change its position."""

WATCH_EVERY = 30.0
"""Seconds between looks at a running server when no event tells of its end."""

_BY = "JupyterHub"
"""Who wishes the end in the log of events: the Hub does not say for whom it stops a server."""

_WAITING = frozenset({ExecutionStatus.SUBMITTED, ExecutionStatus.QUEUED, ExecutionStatus.STARTING})


class ZoeSpawner(Spawner):
    """Starts servers as executions of ZApps that have a ``hub_server``.

    ``user_options`` are ``{"zapp": slug, "parameters": {…}, "name": …}``, all optional.
    """

    default_zapp = Unicode(
        "jupyter",
        config=True,
        help="The ZApp of the gallery that a server is when nothing is said.",
    )
    database_url = Unicode(
        os.environ.get("ZOE_DATABASE_URL", ""),
        config=True,
        help="SQLAlchemy URL of Zoe's Postgres database. Default: ZOE_DATABASE_URL.",
    )
    directory = Unicode(
        os.environ.get("ZOE_DIR", ".zoe"),
        config=True,
        help="Where the keys to talk to the master are. Default: ZOE_DIR.",
    )

    portal_url = Unicode(
        "",
        config=True,
        help="Where servers reach the portal; they find it as ZOE_URL. Default: they have to guess "
        "from where the Hub is.",
    )

    execution_id: int | None = None
    _watch: asyncio.Task[None] | None = None

    @property
    def side(self) -> HubSide:
        """What the spawners of this process share."""
        return HubSide.shared(self.database_url, self.directory)

    # --- what JupyterHub keeps for us over its restarts ---

    def get_state(self) -> dict[str, Any]:
        """See JupyterHub."""
        state = super().get_state()
        if self.execution_id is not None:
            state["execution_id"] = self.execution_id
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """See JupyterHub."""
        super().load_state(state)
        self.execution_id = state.get("execution_id")

    def clear_state(self) -> None:
        """See JupyterHub."""
        super().clear_state()
        self.execution_id = None

    # --- life of the server ---

    async def start(self) -> str:
        """Submit, wait in the queue for as long as it takes, and return the server's URL."""
        requester, order = self._requester(), self._order()
        try:
            launch = await self.side.submission.check(requester, order)
            service = _server_of(launch.zapp)
            await self._end_earlier()
            self.execution_id = (await self._submit(requester, launch, service)).id
        except Refused as refusal:
            raise SpawnFailed(str(refusal), refusal.status) from None
        except DatabaseAway as error:
            self.log.warning("The database is away: %s", error)
            raise SpawnFailed("The database is away; try again in a moment.", 503) from None
        # Before any waiting: a Hub that crashes now must find its way back to the execution.
        self.orm_spawner.state = self.get_state()
        session = object_session(self.orm_spawner)
        assert session is not None  # it was loaded from the Hub's database
        session.commit()
        await self._until_running()
        url = await self._address(service)
        api = url_path_join(url, self.server.base_url, "api")
        await until_it_answers(api, self._fail_if_ended)
        self._watch = asyncio.create_task(self._notice_end(self._id))
        return url

    async def stop(self, now: bool = False) -> None:
        """End the execution, and wait until nothing of it is left."""
        if self.execution_id is not None:
            await self._terminate(self.execution_id, "Its server was stopped.")

    async def poll(self) -> int | None:
        """None while it lives, 0 or 1 when it has ended. Never raises; waits for the database."""
        if self.execution_id is None:
            return 0
        record = await self._record(self.execution_id)
        if record is None:
            return 0
        if record.final:
            return 0 if record.status is ExecutionStatus.TERMINATED else 1
        under_way = self._spawn_pending or self._stop_pending
        if under_way or record.status not in _WAITING:
            return None
        # The Hub was restarted while it waited: its token is dead, so it must be launched again.
        await self._wish_end(
            record.id, "The Hub was restarted while the server was waiting; launch it again."
        )
        return 0

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """State, position and reason, on every change."""
        said = None
        while True:
            message = await self._progress_message()
            if message != said:
                yield message
                said = message
            if self.execution_id is None:
                await asyncio.sleep(KNOCK_EVERY)
            else:
                await self.side.feed.changed(self.execution_id, LOOK_EVERY)

    # --- steps of start ---

    def _requester(self) -> Requester:
        scopes = get_scopes_for(self.user.orm_user)
        if "custom:zoe:launch" not in scopes:
            raise SpawnFailed("You may not launch anything: ask the administrator for a role.", 403)
        return Requester(
            name=self.user.name,
            groups=frozenset(group.name for group in self.user.groups),
            whole_gallery="custom:zoe:gallery-full" in scopes,
        )

    def _order(self) -> Order:
        options = self.user_options or {}
        parameters = options.get("parameters") or {}
        if not isinstance(parameters, dict):
            message = "user_options.parameters must be an object of names and values."
            raise SpawnFailed(message, 422)
        zapp = options.get("zapp") or self.default_zapp
        name = options.get("name") or self.name or str(zapp)
        return Order(zapp=str(zapp), parameters=parameters, name=str(name))

    async def _end_earlier(self) -> None:
        """A server of that name that the Hub has forgotten would be in the way."""
        earlier = await asyncio.to_thread(
            executions.live_server, self.side.database, self.user.name, self.name
        )
        if earlier is not None:
            await self._terminate(earlier.id, "The server was started anew.")

    async def _submit(
        self, requester: Requester, launch: Launch, service: Service
    ) -> ExecutionRecord:
        record, _ = await self.side.submission.store(
            requester, launch, server_name=self.name, secrets=self._secrets(service)
        )
        return record

    def _secrets(self, service: Service) -> dict[str, str]:
        environment = {name: value for name, value in self.get_env().items() if value is not None}
        prefix = environment["JUPYTERHUB_SERVICE_PREFIX"]
        port = service.ports[0].port_number
        if self.portal_url:
            environment["ZOE_URL"] = self.portal_url
        environment["JUPYTERHUB_SERVICE_URL"] = f"http://{OWN_ADDRESS}:{port}{prefix}"
        return environment

    async def _until_running(self) -> None:
        while True:
            record = await self._record(self._id)
            if record is None or record.final or record.outcome is not None:
                reason = record.reason if record is not None else None
                raise SpawnFailed(reason or "The execution has ended.")
            if record.status is ExecutionStatus.RUNNING:
                return
            await self.side.feed.changed(self._id, LOOK_EVERY)

    async def _address(self, service: Service) -> str:
        port = service.ports[0].port_number
        while True:
            found = await asyncio.to_thread(executions.instances_of, self.side.database, [self._id])
            for instance in found[self._id]:
                for inner, host, outer in instance.addresses:
                    if instance.service == service.dns_label and inner == port:
                        return f"http://{host}:{outer}"
            await self._fail_if_ended()
            await self.side.feed.changed(self._id, LOOK_EVERY)

    async def _fail_if_ended(self) -> None:
        record = await self._record(self._id)
        if record is None or record.outcome is not None:
            reason = None if record is None else record.reason
            raise SpawnFailed(reason or "The execution has ended.")

    async def _notice_end(self, execution_id: int) -> None:
        """Let the Hub know at once when the execution ends by itself or is stopped elsewhere."""
        while True:
            record = await self._record(execution_id)
            if record is None or record.final:
                break
            await self.side.feed.changed(execution_id, WATCH_EVERY)
        if self.execution_id == execution_id and not self.pending:
            await self.poll_and_notify()

    # --- helpers ---

    @property
    def _id(self) -> int:
        if self.execution_id is None:
            raise SpawnFailed("The server was stopped.")
        return self.execution_id

    async def _record(self, execution_id: int) -> ExecutionRecord | None:
        return await self._when_the_database_is_there(
            executions.get, self.side.database, execution_id
        )

    async def _when_the_database_is_there(
        self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        while True:
            try:
                return await asyncio.to_thread(query, *args, **kwargs)
            except DatabaseAway as error:
                self.log.warning("The database is away, trying again: %s", error)
                await asyncio.sleep(LOOK_EVERY)

    async def _terminate(self, execution_id: int, reason: str) -> None:
        await self._wish_end(execution_id, reason)
        while True:
            record = await self._record(execution_id)
            if record is None or record.final:
                return
            await self.side.feed.changed(execution_id, LOOK_EVERY)

    async def _wish_end(self, execution_id: int, reason: str) -> None:
        now = datetime.now(UTC)
        database = self.side.database
        await self._when_the_database_is_there(
            executions.request_termination, database, execution_id, _BY, reason, now
        )
        await self.side.link.wake()

    async def _progress_message(self) -> dict[str, Any]:
        if self.execution_id is None:
            return {"progress": 5, "message": "Your request is being checked."}
        record = await self._record(self.execution_id)
        match None if record is None else record.status:
            case ExecutionStatus.SUBMITTED | ExecutionStatus.QUEUED:
                return {"progress": 20, "message": await self._queue_message(self.execution_id)}
            case ExecutionStatus.STARTING:
                return {"progress": 50, "message": "There is room for you: your server starts."}
            case ExecutionStatus.RUNNING:
                return {"progress": 80, "message": "Your server runs and will answer in a moment."}
            case _:
                return {"progress": 90, "message": "Your server has ended."}

    async def _queue_message(self, execution_id: int) -> str:
        try:
            explanation = await self.side.link.explain(execution_id)
        except (MasterAway, DatabaseAway) as error:
            return f"Your request is kept; it goes on as soon as the scheduler is back ({error})."
        if explanation is None:
            return "Your request is kept and will be looked at in a moment."
        reasons = " ".join(explanation.reasons)
        return f"You are number {explanation.position} in the queue. {reasons}"


def _server_of(zapp: ZApp) -> Service:
    """The service that is the Jupyter server, which has a port to be reached at."""
    for service in zapp.services:
        if service.name == zapp.hub_server and service.ports:
            return service
    raise SpawnFailed(
        f"The ZApp {zapp.name} is no Jupyter server: launch it from the gallery instead.", 422
    )
