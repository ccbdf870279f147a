"""ZoeSpawner: a JupyterHub server is an execution, and waits in the same queue as all others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from jupyterhub.scopes import get_scopes_for
from jupyterhub.spawner import Spawner
from jupyterhub.utils import url_path_join
from traitlets import Unicode, default

from zoe_core.cluster import ExecutionStatus
from zoe_core.protocol import OWN_ADDRESS
from zoe_core.zapp import Service, ZApp
from zoe_hub.hub_guard import SessionGuard
from zoe_hub.hub_side import HubSide
from zoe_hub.hub_tokens import revoke_earlier_tokens
from zoe_hub.refusal import Refused
from zoe_hub.server_deeds import told
from zoe_hub.server_executions import LOOK_EVERY, ServerExecutions
from zoe_hub.server_options import ServerOptions, lasting
from zoe_hub.spawn_steps import KNOCK_EVERY, SpawnFailed, until_it_answers
from zoe_hub.submission import Launch, Order, Requester
from zoe_hub.views import described
from zoe_store import executions
from zoe_store.checkpoints import Checkpoint, reached
from zoe_store.database import DatabaseAway
from zoe_store.executions import ExecutionRecord
from zoe_store.servers import WAITING

WATCH_EVERY = 30.0
"""Seconds between looks at a running server when no event tells of its end."""


class ZoeSpawner(Spawner):
    """Starts servers as executions of ZApps that have a ``hub_server``.

    ``user_options`` are ``{"zapp": slug, "parameters": {…}, "name": …}``, all optional; see
    ``ServerOptions`` for what the portal adds.
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

    @default("apply_user_options")
    def _leave_user_options_to_start(self) -> Callable[[Spawner, dict[str, Any]], None]:
        return lambda spawner, options: None  # else JupyterHub warns that nobody reads them

    execution_id: int | None = None
    _launched = False  # by this process; else the Hub was restarted since
    _given_up = (
        False  # found waiting after a restart: the Hub forgets it, until it is launched again
    )
    _watch: asyncio.Future[Any] | None = None  # kept, or it is collected

    @property
    def side(self) -> HubSide:
        """What the spawners of this process share."""
        return HubSide.shared(self.database_url, self.directory)

    @property
    def _executions(self) -> ServerExecutions:
        return self.side.executions

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
        """Submit, wait in the queue for as long as it takes, and return the server's URL.

        One that waits since before a restart of the Hub is taken over, in its place of the queue.
        """
        self._launched = True
        self._revoke_earlier_tokens()
        try:
            return await self._start()
        finally:
            await self._until_hub_database_answers()

    async def _start(self) -> str:
        with told(self):
            service = await self._launch(ServerOptions.read(self.user_options))
        await self._executions.until_running(self._id)
        url = await self._address(service)
        api = url_path_join(url, self.server.base_url, "api")
        await until_it_answers(api, self._check_lives)
        self._watch = asyncio.create_task(self._notice_end(self._id))
        return url

    async def stop(self, now: bool = False) -> None:
        """End the execution, and wait until nothing of it is left."""
        if self.execution_id is not None:
            await self._executions.wish_end(self.execution_id, "Its server was stopped.")
            await self._executions.until_ended(self.execution_id)
        await self._until_hub_database_answers()
        self._revoke_earlier_tokens()

    async def poll(self) -> int | None:
        """None while it lives, 0 or 1 when it has ended. Never raises; waits for the databases.

        Also 0 when the Hub was restarted while it waited: it is put on hold until it is launched
        again, with a new token.
        """
        code = await self._exit_code()
        await self._until_hub_database_answers()
        return code

    async def _exit_code(self) -> int | None:
        record = await self._own_record()
        if record is not None and self._was_left_waiting(record):
            if await self._executions.hold(record.id):
                self._given_up = True
                await self._until_hub_database_answers()
                self._revoke_earlier_tokens()
            record = await self._own_record()
        if record is None:
            return 0
        if record.final:
            return 0 if record.status is ExecutionStatus.TERMINATED else 1
        return 0 if self._was_left_waiting(record) else None

    async def get_url(self) -> str:
        """Where it is: it may have become ready while the Hub was away."""
        try:
            record = await self._executions.get(self._id)
            zapp = None if record is None else described(record)
            if zapp is not None:
                url = await self._address(_server_of(zapp))
                return url_path_join(url, self.server.base_url)
        except SpawnFailed:
            pass  # it has just ended, which the next poll says
        return str(self.server.url)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """State, position and reason, on every change."""
        said = None
        while True:
            message = await self._executions.progress(self.execution_id)
            if message != said:
                yield message
                said = message
            if self.execution_id is None:
                await asyncio.sleep(KNOCK_EVERY)
            else:
                await self.side.feed.changed(self.execution_id, LOOK_EVERY)

    # --- after a restart of the Hub ---

    async def _own_record(self) -> ExecutionRecord | None:
        """The execution; also one that was stored just before the Hub was killed."""
        if self.execution_id is not None:
            return await self._executions.get(self.execution_id)
        if self._launched:
            return None
        found = await self._executions.live(self.user.name, self.name)
        return found if found is not None and found.status in WAITING else None

    def _was_left_waiting(self, record: ExecutionRecord) -> bool:
        """By a Hub that is no more; not so when this one is asked to stop it."""
        stopping = self._stop_pending and not self._given_up
        return record.status in WAITING and not self._launched and not stopping

    def _revoke_earlier_tokens(self) -> None:
        """The Hub forgets the tokens of servers when it is restarted, but still accepts them."""
        revoke_earlier_tokens(self.user.db, self.user, self.name, self.api_token)

    async def _until_hub_database_answers(self) -> None:
        """After each long wait: JupyterHub uses its session next, and never looks whether it can.

        Its database may have been restarted meanwhile, which a session does not get over by itself.
        """
        await SessionGuard.of(self.user.db).until_ready()

    # --- steps of start ---

    async def _launch(self, options: ServerOptions) -> Service:
        """Store the request, or take over the one that waits; returns the service to wait for."""
        try:
            earlier = await self._earlier(options)
            requester = await self._requester(earlier)
            order = options.order(self.default_zapp, self.name)
            if earlier is not None:
                meant = options.execution_id is not None
                same = await self._executions.is_as_asked(earlier, order, meant=meant)
                service = await self._take_over(earlier) if same else None
                if service is not None:
                    return service
                await self._make_way(earlier, options, same=same)
            return await self._submit(requester, order, options)
        except Refused as refusal:
            raise SpawnFailed(str(refusal), refusal.status) from None
        except DatabaseAway as error:
            self.log.warning("The database is away: %s", error)
            raise SpawnFailed("The database is away; try again in a moment.", 503) from None

    async def _earlier(self, options: ServerOptions) -> ExecutionRecord | None:
        """The live execution that is this server already, left by an earlier Hub."""
        earlier = await asyncio.to_thread(
            executions.live_server, self.side.database, self.user.name, self.name
        )
        wanted = options.execution_id
        if wanted is not None and (earlier is None or earlier.id != wanted):
            raise _gone()
        return earlier

    async def _requester(self, earlier: ExecutionRecord | None) -> Requester:
        scopes = get_scopes_for(self.user.orm_user)
        if "custom:zoe:launch" not in scopes:
            message = "You may not launch anything: ask the administrator for a role."
            if earlier is not None:  # accepted while she still could; nobody else would end it
                await self._executions.wish_end(earlier.id, message)
            raise SpawnFailed(message, 403)
        return Requester(
            name=self.user.name,
            groups=frozenset(group.name for group in self.user.groups),
            whole_gallery="custom:zoe:gallery-full" in scopes,
            may_resize="custom:zoe:resources" in scopes,
        )

    async def _take_over(self, earlier: ExecutionRecord) -> Service | None:
        """Go on with one that waits; None when it does not wait."""
        zapp = described(earlier)
        if zapp is None or earlier.status not in WAITING:
            return None
        service = _server_of(zapp)
        # Noted first: a Hub that is killed in between finds an execution that is on hold.
        await self._note(earlier.id)
        if await self._executions.take_over(earlier.id, self._secrets(service)):
            return service
        await self._note(None)
        return None

    async def _make_way(
        self, earlier: ExecutionRecord, options: ServerOptions, *, same: bool
    ) -> None:
        """End a server of that name that the Hub does not know."""
        reason = "The server was started anew."
        if same:
            reason = "JupyterHub was restarted and had lost this server; it was started anew."
        first = await self._executions.wish_end(earlier.id, reason)
        if options.execution_id is not None and not first:
            raise _gone()
        await self._executions.until_ended(earlier.id)
        await self._until_hub_database_answers()

    async def _submit(self, requester: Requester, order: Order, options: ServerOptions) -> Service:
        launch = await self.side.submission.check(requester, order)
        service = _server_of(launch.zapp)
        storing = asyncio.ensure_future(self._store(requester, launch, service, options))
        record = await self._stored(storing)
        reached(Checkpoint.SPAWN_STORED)
        # Before anything else: a Hub that crashes now must find its way back to the execution.
        await self._note(record.id)
        return service

    async def _store(
        self, requester: Requester, launch: Launch, service: Service, options: ServerOptions
    ) -> ExecutionRecord:
        key = options.idempotency_key
        if key is not None:
            # The fingerprint is of the request as it was made, so that it is known when repeated.
            launch = replace(launch, order=replace(launch.order, name=options.asked_name))
        secrets = self._secrets(service)
        store = self.side.submission.store
        record, new = await store(
            requester, launch, server_name=self.name, secrets=secrets, idempotency_key=key
        )
        if not new:
            # A key that the Hub kept of an earlier launch, which it was killed in.
            record, _ = await store(requester, launch, server_name=self.name, secrets=secrets)
        return record

    async def _stored(self, storing: asyncio.Future[ExecutionRecord]) -> ExecutionRecord:
        """Wait for it; when the server is stopped meanwhile, what is stored must not stay."""
        try:
            return await asyncio.shield(storing)
        except asyncio.CancelledError:
            storing.add_done_callback(self._end_unwanted)
            raise

    def _end_unwanted(self, stored: asyncio.Future[ExecutionRecord]) -> None:
        # Cancelled itself, when the Hub is stopped as a whole: then it is kept.
        if not stored.cancelled() and stored.exception() is None:
            reason = "Its server was stopped."
            wish = self._executions.wish_end(stored.result().id, reason)
            self._watch = asyncio.ensure_future(wish)

    async def _note(self, execution_id: int | None) -> None:
        """Let JupyterHub keep which execution it is, and forget what was for this launch only."""
        self.execution_id = execution_id
        await self._until_hub_database_answers()
        self.orm_spawner.user_options = lasting(self.orm_spawner.user_options)
        self.orm_spawner.state = self.get_state()
        self.user.db.commit()
        if execution_id is not None:
            reached(Checkpoint.SPAWN_NOTED)

    def _secrets(self, service: Service) -> dict[str, str]:
        environment = {name: value for name, value in self.get_env().items() if value is not None}
        prefix = environment["JUPYTERHUB_SERVICE_PREFIX"]
        port = service.ports[0].port_number
        if self.portal_url:
            environment["ZOE_URL"] = self.portal_url
        environment["JUPYTERHUB_SERVICE_URL"] = f"http://{OWN_ADDRESS}:{port}{prefix}"
        return environment

    async def _address(self, service: Service) -> str:
        port = service.ports[0].port_number
        return await self._executions.address(self._id, service.dns_label, port)

    async def _check_lives(self) -> None:
        await self._executions.check_lives(self._id)

    async def _notice_end(self, execution_id: int) -> None:
        """Let the Hub know at once when the execution ends by itself or is stopped elsewhere."""
        while True:
            record = await self._executions.get(execution_id)
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


def _gone() -> SpawnFailed:
    return SpawnFailed("The server has ended or was stopped in the meantime.", 409)


def _server_of(zapp: ZApp) -> Service:
    """The service that is the Jupyter server, which has a port to be reached at."""
    for service in zapp.services:
        if service.name == zapp.hub_server and service.ports:
            return service
    raise SpawnFailed(
        f"The ZApp {zapp.name} is no Jupyter server: launch it from the gallery instead.", 422
    )
