"""Masters for the tests, put together as the product does it, and the hub's end of the wire.

``acting`` runs one on the test's event loop over a fake engine, ``MasterProcess`` one on its own.
"""

import asyncio
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.builders import GB, service, zapp
from tests.support.submissions import request, store
from tests.support.waiting import eventually, eventually_async
from zoe_core.protocol import ReadLog
from zoe_core.zapp import ZApp
from zoe_hub.link import MasterLink
from zoe_master.app import ZoeMaster
from zoe_master.backends.base import Backend, InstanceSpec
from zoe_master.backends.fake import FakeBackend, FakeEngine, RealClock
from zoe_store import executions
from zoe_store.cluster import master_record
from zoe_store.database import Database
from zoe_store.events import EventRecord, read_events
from zoe_store.executions import ExecutionRecord, InstanceRecord
from zoe_store.office import MASTER_LOCK, Office


class FakeMaster(ZoeMaster):
    """The product's master over a given engine; ``make`` builds its back-end."""

    def __init__(
        self, url: str, directory: Path, engine: FakeEngine, make: type[FakeBackend], **traits: Any
    ) -> None:
        settings = {"relist_interval": 0.2, "stop_grace": 0.2} | traits
        super().__init__(database_url=url, directory=str(directory), **settings)
        self.log = logging.getLogger("tests.master")  # that of traitlets tells pytest nothing
        self.engine = engine
        self.make = make
        self.stopping: asyncio.Event | None = None

    def _make_backend(self, deployment: str, directory: Path) -> Backend:
        return self.make(
            deployment=deployment,
            directory=str(directory),
            engine=self.engine,
            node_count=2,
            node_memory=4 * GB,
        )

    async def _take_office(self, database: Database, stopping: asyncio.Event) -> Office | None:
        self.stopping = stopping
        return await super()._take_office(database, stopping)


@asynccontextmanager
async def acting(
    url: str,
    directory: Path,
    engine: FakeEngine,
    make: type[FakeBackend] = FakeBackend,
    **traits: Any,
) -> AsyncIterator[asyncio.Task[None]]:
    """A master that acts while the block runs; yields its task."""
    app = FakeMaster(url, directory, engine, make, **traits)
    database = Database(url)
    before = master_record(database).seen_at
    task = asyncio.create_task(app._run())

    def is_up() -> bool:
        return task.done() or master_record(database).seen_at != before

    try:
        await eventually_async(lambda: asyncio.to_thread(is_up), message="the master acts")
        yield task
    finally:
        database.close()
        if app.stopping is not None:
            app.stopping.set()
        if not task.done() or task.exception() is None:
            await task


class Gate:
    """Holds a thread until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.opened.wait(30)


def backend(
    prepare: Callable[[], object] = lambda: None, start: Callable[[], object] = lambda: None
) -> type[FakeBackend]:
    """A fake back-end that does something more first."""

    class Disturbed(FakeBackend):
        def prepare(self, execution_id: int) -> None:
            prepare()

        def start(self, spec: InstanceSpec) -> None:
            start()
            super().start(spec)

    return Disturbed


def end_the_lock(database: Database) -> None:
    """Postgres ends the connection that holds the master's lock, as a failing network would."""
    with database.transaction() as connection:
        ended = connection.execute(
            text(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' "
                "and objid = :lock"
            ),
            {"lock": MASTER_LOCK},
        ).all()
    assert len(ended) == 1


class MasterProcess:
    """``zoe-master`` in a process; its log goes to a file and is shown at the end.

    ``backend`` are settings of its back-end, whose ``kind`` is ``process`` or ``docker``.
    """

    def __init__(
        self,
        url: str,
        directory: Path,
        *,
        module: str = "zoe_master.app",
        kind: str = "process",
        backend: Mapping[str, object] | None = None,
        **settings: object,
    ) -> None:
        self.directory = directory
        self.module = module
        self.log = directory / "master.log"
        self._database = Database(url)
        directory.mkdir(exist_ok=True)
        own = backend or {}
        config = directory / "config.py"
        config.write_text(
            "c = get_config()\n"
            "c.ProcessBackend.environments = {'test': {}}\n"
            "c.ProcessBackend.grace = 1.0\n"
            + "".join(f"c.{kind.title()}Backend.{name} = {each!r}\n" for name, each in own.items())
            + "".join(f"c.ZoeMaster.{name} = {value!r}\n" for name, value in settings.items())
        )
        self._environment = os.environ | {
            "ZOE_DATABASE_URL": url,
            "ZOE_DIR": str(directory),
            "ZOE_BACKEND": kind,
            "ZOE_CONFIG": str(config),
            "ZOE_END_INSTANCES": "1",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it acts."""
        before = master_record(self._database).seen_at
        self.launch()

        def acts() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, "the master has ended"
            return master_record(self._database).seen_at != before

        eventually(acts, message=lambda: self.log.read_text())

    def launch(self, **environment: str) -> None:
        """Start it; another one may be acting."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                env=self._environment | environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """As a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Stop it in order, with all that runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        self._database.close()
        print(self.log.read_text())


class HubEnd:
    """What the hub does: submit, wish, read, and talk to the master."""

    def __init__(self, url: str, directory: Path) -> None:
        self.database = Database(url)
        self.link = MasterLink(self.database, directory / "keys")

    async def close(self) -> None:
        await self.link.close()
        self.database.close()

    async def submit(
        self, description: ZApp | None = None, *, wake: bool = True, **fields: Any
    ) -> int:
        """Store a request and hint at it, unless the hint is to be lost."""
        record, _ = await self.call(store, request(description, **fields), datetime.now(UTC))
        if wake:
            await self.link.wake()
        return record.id

    async def end(self, execution_id: int, reason: str = "Enough.") -> None:
        """Wish its end."""
        await self.call(
            executions.request_termination, execution_id, "alice", reason, datetime.now(UTC)
        )
        await self.link.wake()

    async def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """A query, in a thread."""
        return await asyncio.to_thread(function, self.database, *arguments, **options)

    async def get(self, execution_id: int) -> ExecutionRecord:
        record = await self.call(executions.get, execution_id)
        assert record is not None
        return record

    async def until(self, execution_id: int, *statuses: str) -> ExecutionRecord:
        """Wait until it has one of these statuses."""

        async def there() -> ExecutionRecord | None:
            record = await self.get(execution_id)
            assert record.status in statuses, record
            return record

        found = await eventually_async(there)
        assert found is not None
        return found

    async def ended(self, execution_id: int) -> tuple[str, str | None]:
        """Wait for the end; returns the final status and the reason."""
        record = await self.until(execution_id, "terminated", "error")
        return record.status, record.reason

    async def instance(
        self, execution_id: int, name: str = "main-0", observed: str = ""
    ) -> InstanceRecord:
        """The newest attempt of an instance, once it is seen so."""

        async def there() -> InstanceRecord | None:
            found = await self.call(executions.instances_of, [execution_id])
            for each in found[execution_id]:
                if each.name == name and observed in ("", each.observed):
                    return each
            raise AssertionError(found[execution_id])

        found = await eventually_async(there)
        assert found is not None
        return found

    async def moves(self, execution_id: int) -> list[str]:
        """The statuses that it went to, as the event log tells it."""
        events: list[EventRecord] = await self.call(read_events, after=0, execution_id=execution_id)
        told = [each.data for each in events if each.kind == "status"]
        assert [each["from"] for each in told] == ["submitted", *(each["to"] for each in told)][
            : len(told)
        ], "the log has no gap"
        return [each["to"] for each in told]

    async def log(
        self, execution_id: int, name: str = "main-0", *, attempt: int = 1, **options: Any
    ) -> tuple[bytes, bool]:
        """A piece of a log, and whether nothing comes after it."""
        service_label, _, index = name.rpartition("-")
        wanted = ReadLog(
            execution_id=execution_id,
            service=service_label,
            index=int(index),
            attempt=attempt,
            **({"offset": 0} | options),
        )
        chunk, data = await self.link.read_log(wanted)
        return data, chunk.finished


def command(line: str, *, server: bool = False, **fields: Any) -> ZApp:
    """A ZApp of one service that runs this command line of a shell; maybe the Hub's server."""
    generic = {"hub_server": "main"} if server else {}
    runs = service(command=shlex.join(["sh", "-c", line]), memory=0.25, cores=0.1, **fields)
    return zapp(runs, **generic)


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    """A fake engine in real time, for any number of masters."""
    clock = RealClock()
    yield FakeEngine(clock)
    clock.close()


@pytest.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[HubEnd]:
    """The hub's end of the wire to a master whose directory is ``tmp_path``."""
    hub = HubEnd(database_url, tmp_path)
    yield hub
    await hub.close()
