"""``zoe-master``: reads the settings, puts the parts together, and runs them."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path

from traitlets import Bool, Float, Integer, Unicode
from traitlets.config import Application

from zoe_core.scheduling import Placement, Policy, SchedulingSettings, StartRules
from zoe_core.scheduling.settings import MAX_OVERTAKE
from zoe_core.zapp import SiteDefaults
from zoe_master import pauses
from zoe_master.api.sockets import Sockets
from zoe_master.backends.base import Backend, BackendError, Retry
from zoe_master.endings import listen_to_signals, until_one_ends
from zoe_master.engine.applier import Hanging
from zoe_master.engine.guard import Guard
from zoe_master.engine.logs import LogKeeper
from zoe_master.parts import Parts, Site, compose
from zoe_master.plugins import SetupError, load
from zoe_store.checkpoints import Checkpoint, reached
from zoe_store.config_file import load_config_file
from zoe_store.database import Database, DatabaseAway, durability_doubts
from zoe_store.keys import KeyRing, KeysRefused
from zoe_store.log_lines import follow_level, prepare_log
from zoe_store.master import announce
from zoe_store.migrate import WrongSchema, check
from zoe_store.office import Office, OutOfOffice
from zoe_store.urls import InvalidUrl, checked_url

TRY_AGAIN = 0.5
"""Seconds between tries to reach the database or to become the acting master."""

END_WITHIN = 12.0
"""Seconds for all that runs to end when the portal is stopped; JupyterHub kills after 15."""


class ZoeMaster(Application):
    """The master of a Zoe deployment."""

    name = "zoe-master"
    description = "Decides what runs, and makes it run."

    backend = Unicode(
        os.environ.get("ZOE_BACKEND", "process"),
        help="The back-end that runs the instances: an entry point of the group `zoe.backends`. "
        "Default: the environment variable ZOE_BACKEND, else `process`.",
    ).tag(config=True)
    policy = Unicode(
        "hrrn",
        help="The order of the queue, within each priority: an entry point of the group "
        "`zoe.policies`. `hrrn`: the least expected work first, but who waits climbs; `size`: the "
        "least expected work first; `fair`: by what users have and had, for their weights; `fifo`: "
        "first come, first served.",
    ).tag(config=True)
    placement = Unicode(
        "spread",
        help="Which of the nodes that have room an instance goes to: an entry point of the group "
        "`zoe.placements`. `spread`: the one with the most room; `pack`: the one with the least; "
        "`best_fit`: the one that is left with the least of what is scarcest.",
    ).tag(config=True)
    max_overtake = Integer(
        MAX_OVERTAKE,
        min=0,
        help="How many launches may overtake the head of the queue when nobody can tell for sure "
        "that they do not delay it.",
    ).tag(config=True)
    database_url = Unicode(
        os.environ.get("ZOE_DATABASE_URL", ""),
        help="SQLAlchemy URL of Zoe's Postgres database. Default: ZOE_DATABASE_URL.",
    ).tag(config=True)
    directory = Unicode(
        os.environ.get("ZOE_DIR", ".zoe"),
        help="Where keys, logs and the back-end's own files are kept. Default: ZOE_DIR.",
    ).tag(config=True)
    address = Unicode(
        "127.0.0.1", help="The IP address to listen on for the hub; ports are chosen freely."
    ).tag(config=True)
    portal_path = Unicode(
        "/services/zoe", help="Where the portal's pages begin, without a slash at the end."
    ).tag(config=True)
    start_deadline = Float(
        300.0, help="Seconds that the essential instances may take until all of them run."
    ).tag(config=True)
    start_attempts = Integer(
        3, help="How often an execution is started before it ends in error."
    ).tag(config=True)
    stop_grace = Float(
        10.0, help="Seconds that an instance has to end by itself before it is forced to."
    ).tag(config=True)
    relist_interval = Float(30.0, help="Seconds between full lists of what runs.").tag(config=True)
    log_limit = Integer(64 * 2**20, help="Bytes kept of the log of each ended instance.").tag(
        config=True
    )
    default_memory = Integer(
        512 * 2**20, help="Bytes reserved for an instance whose description says nothing."
    ).tag(config=True)
    default_cores = Float(
        0.1, help="Cores reserved for an instance whose description says nothing."
    ).tag(config=True)
    effect_threads = Integer(8, help="Starts and stops made at the same time.").tag(config=True)
    end_instances = Bool(
        os.environ.get("ZOE_END_INSTANCES") == "1",
        help="End all instances when the master is stopped (SIGTERM or SIGINT), for a portal that "
        "is started and stopped as a whole. Back-ends that outlive the master may ignore it. "
        "Default: whether ZOE_END_INSTANCES is 1.",
    ).tag(config=True)

    aliases = {
        "backend": "ZoeMaster.backend",
        "policy": "ZoeMaster.policy",
        "placement": "ZoeMaster.placement",
        "dir": "ZoeMaster.directory",
    }

    _opened: Backend | None = None

    def start(self) -> None:
        """Run until a signal ends it; exit code 1 with one line when it cannot work."""
        try:
            asyncio.run(self._run_or_be_cut_off())
        except (SetupError, KeysRefused, OSError, WrongSchema, BackendError) as error:
            self.log.debug("Where it failed:", exc_info=True)
            self.log.critical("%s", error)
            sys.exit(1)

    async def _run_or_be_cut_off(self) -> None:
        """A call that hangs would keep Python, and our locks, alive: it ends with the process."""
        try:
            await self._run()
        except Hanging as error:
            self.log.critical("%s. This master ends at once, so that another one can act", error)
            os._exit(1)

    async def _run(self) -> None:
        stopping = asyncio.Event()
        orderly = listen_to_signals(stopping)
        with closing(Database(self._checked_url())) as database:
            try:
                while (office := await self._take_office(database, stopping)) is not None:
                    await self._act(office, stopping, orderly)
            finally:
                if orderly.is_set() and self.end_instances and self._opened is not None:
                    # Also when the database is away just now; once more does not matter.
                    await asyncio.to_thread(self._opened.end_all)
                self._leave_backend()

    async def _act(self, office: Office, stopping: asyncio.Event, orderly: asyncio.Event) -> None:
        """One term of office, until it is time to stop or the office is lost."""
        try:
            async with AsyncExitStack() as stack:
                stack.callback(office.leave)
                reached(Checkpoint.OFFICE_TAKEN)
                backend = await self._open_backend(office.deployment)
                await until_one_ends(
                    Guard(office, self.log).run(),
                    self._serve(office, backend, stopping, orderly, stack),
                )
        except (OutOfOffice, DatabaseAway, Retry) as error:
            # All effects have stopped. What runs goes on; whoever acts next finds it.
            self.log.warning("No longer the acting master: %s", error)
            await _pause(stopping)
        except ExceptionGroup:
            # Of the front, which nothing that runs depends on.
            self.log.exception("The hub could not be answered any more; a new term begins")
            await _pause(stopping)

    async def _serve(
        self,
        office: Office,
        backend: Backend,
        stopping: asyncio.Event,
        orderly: asyncio.Event,
        stack: AsyncExitStack,
    ) -> None:
        await asyncio.to_thread(self._warn_of_doubts, office)
        parts = await self._compose(office, backend, stack)
        stack.callback(parts.observer.watch())
        await asyncio.to_thread(parts.observer.relist)
        await asyncio.to_thread(
            announce,
            office,
            commands_url=parts.sockets.commands_url,
            logs_url=parts.sockets.logs_url,
            events_url=parts.sockets.events_url,
            backend=self.backend,
            capabilities=backend.capabilities,
            defaults=self._defaults(),
        )
        self.log.info("Master of epoch %d at %s", office.epoch, parts.sockets.commands_url)
        await until_one_ends(
            parts.loop.run(),
            parts.front.run(),
            parts.estimator.run(),
            parts.meter.run(),
            parts.purger.run(),
            parts.observer.relist_every(self.relist_interval),
            self._until_told(stopping, orderly, parts),
        )
        # Before the rest is taken apart: nothing may be started while all is ended.
        await parts.applier.close()
        if orderly.is_set() and self.end_instances:
            await asyncio.to_thread(backend.end_all)

    async def _compose(self, office: Office, backend: Backend, stack: AsyncExitStack) -> Parts:
        """Put the parts of one term of office together; ``stack`` closes them."""
        directory = self._absolute_directory()
        keys = KeyRing(directory / "keys")
        keys.ensure()
        sockets = Sockets(keys, self.address)
        stack.callback(sockets.close)
        return await compose(
            Site(
                settings=self._settings(),
                rules=StartRules(self.start_deadline, self.start_attempts),
                defaults=self._defaults(),
                portal_path=self.portal_path,
                grace=self.stop_grace,
                threads=self.effect_threads,
            ),
            office=office,
            backend=backend,
            sockets=sockets,
            logs=LogKeeper(backend, directory / "logs", self.log_limit),
            stack=stack,
            log=self.log,
        )

    async def _until_told(
        self, stopping: asyncio.Event, orderly: asyncio.Event, parts: Parts
    ) -> None:
        """Return when it is time to stop; what runs has ended by then if it is to end."""
        await stopping.wait()
        if orderly.is_set() and self.end_instances:
            parts.inbox.end_all("It was ended because the portal was stopped.")
            with suppress(TimeoutError):
                async with asyncio.timeout(END_WITHIN):
                    await parts.loop.emptied.wait()

    async def _take_office(self, database: Database, stopping: asyncio.Event) -> Office | None:
        """Wait for the database, then for the office; None when told to stop meanwhile."""
        office = Office(database)
        said = ""
        while not stopping.is_set():
            try:
                await asyncio.to_thread(check, database)
                if await asyncio.to_thread(office.try_take):
                    return office
                self._leave_backend()
                problem = "another master is acting"
            except DatabaseAway as error:
                problem = f"the database is away: {error}"
            if problem != said:
                self.log.warning("Waiting: %s", problem)
                said = problem
            await _pause(stopping)
        return None

    def _warn_of_doubts(self, office: Office) -> None:
        with office.reading() as connection:
            for doubt in durability_doubts(connection):
                self.log.warning("%s", doubt)

    async def _open_backend(self, deployment: str) -> Backend:
        """Open it once: it stays ours while the database is away, and what runs goes on."""
        if self._opened is None:
            backend = self._make_backend(deployment, self._absolute_directory())
            try:
                await asyncio.to_thread(backend.open)
            except Exception:
                backend.close()  # the next try makes another: what this one began would stay
                raise
            self._opened = backend
        return self._opened

    def _leave_backend(self) -> None:
        """Leave the back-end to another master."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _settings(self) -> SchedulingSettings:
        policy: type[Policy] = load("zoe.policies", self.policy, "c.ZoeMaster.policy")
        placement: type[Placement] = load("zoe.placements", self.placement, "c.ZoeMaster.placement")
        return SchedulingSettings(policy(), placement(), self._defaults(), self.max_overtake)

    def _make_backend(self, deployment: str, directory: Path) -> Backend:
        kind: type[Backend] = load("zoe.backends", self.backend, "c.ZoeMaster.backend")
        own = directory / self.backend
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        return kind(deployment=deployment, directory=str(own), parent=self)

    def _absolute_directory(self) -> Path:
        return Path(self.directory).absolute()

    def _defaults(self) -> SiteDefaults:
        return SiteDefaults(memory=self.default_memory, cores=self.default_cores)

    def _checked_url(self) -> str:
        if not self.database_url:
            raise SetupError(
                "No database is named: set ZOE_DATABASE_URL or c.ZoeMaster.database_url to "
                "postgresql+psycopg2://user@host/database"
            )
        try:
            return checked_url(self.database_url)
        except InvalidUrl as error:
            raise SetupError(f"ZOE_DATABASE_URL or c.ZoeMaster.database_url {error}") from None


async def _pause(stopping: asyncio.Event) -> None:
    """Wait a little before the next try; not when it is time to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(TRY_AGAIN):
            await stopping.wait()


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of ``zoe-master``; settings from ZOE_CONFIG and the command line."""
    app = ZoeMaster()
    app.initialize(None if argv is None else list(argv))
    prepare_log(app)
    load_config_file(app)
    follow_level(app)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    pauses.make_rare()
    app.start()


if __name__ == "__main__":
    main()
