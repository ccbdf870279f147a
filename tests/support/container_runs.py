"""ZApps in containers through all of a master: database, queue, wire, and a real engine."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker.models.containers import Container

from tests.support.builders import GB
from tests.support.docker_engine import DockerEngine, require_image, running_engine
from tests.support.masters import HubEnd, MasterProcess
from tests.support.postgres import fresh_database
from tests.support.waiting import eventually_async
from zapp_gallery import load_gallery
from zoe_core.cluster import InstanceId
from zoe_core.zapp import ZApp, apply_parameters
from zoe_store import executions
from zoe_store.cluster import master_record
from zoe_store.database import Database
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.executions import InstanceRecord

MEMORY = 12 * GB
"""What the node has to give, whatever the machine has."""

USER_IDS = 1000, 1000


@dataclass(frozen=True)
class ContainerSite:
    """A master that runs containers on ``engine``, its one node."""

    url: str
    directory: Path
    engine: DockerEngine
    deployment: str

    def workspace(self, user: str) -> Path:
        """The workspace of a user, who may write there."""
        place = self.directory / "workspaces" / user
        if not place.exists():
            place.mkdir(parents=True, mode=0o700)
            os.chown(place, *USER_IDS)
        return place

    def container(self, execution: int, name: str) -> Container:
        """The container of an instance such as ``worker-0``, in its first attempt."""
        service, _, index = name.rpartition("-")
        instance = InstanceId(execution, service, int(index))
        return self.engine.client.containers.get(instance.container_name(self.deployment))


@contextmanager
def _container_site(url: str, directory: Path) -> Iterator[ContainerSite]:
    """Such a site while the block runs; nothing of it is left on the engine."""
    engine = running_engine()
    node = {"name": "node", "url": engine.url, "memory": MEMORY, "cores": 16.0}
    settings = {"engines": [node], "user_ids": "{}:{}".format(*USER_IDS)}
    # With this policy whoever heads the queue may have elastic instances of all others.
    master = MasterProcess(
        url, directory, kind="docker", backend=settings, policy="fifo", stop_grace=3.0
    )
    database = Database(url)
    try:
        master.start()
        yield ContainerSite(url, directory, engine, master_record(database).uuid)
    finally:
        master.close()
        engine.remove_all(master_record(database).uuid)
        database.close()


class Runs(HubEnd):
    """What the hub does for people who launch ZApps."""

    def __init__(self, site: ContainerSite) -> None:
        super().__init__(site.url, site.directory)
        self._engine = site.engine

    async def launch(self, slug: str, user: str = "alice", **values: object) -> int:
        """Submit a ZApp of the gallery with these parameters, the others at their defaults."""
        return await self.start(gallery_zapp(slug, **values), user)

    async def start(self, description: ZApp, user: str = "alice") -> int:
        """Submit a description; its images must be there."""
        for service in description.services:
            require_image(self._engine, service.image)
        return await self.submit(description, user=user)

    async def outcome(self, execution: int) -> tuple[str, str | None]:
        """Wait for its end, as long as a cluster may take; returns final status and reason."""

        async def over() -> tuple[str, str | None] | None:
            record = await self.get(execution)
            ended = record.status in ("terminated", "error")
            return (record.status, record.reason) if ended else None

        found = await eventually_async(over, timeout=240.0)
        assert found is not None
        return found

    async def said(self, execution: int, name: str) -> str:
        """All that an instance has printed so far."""
        data, _ = await self.log(execution, name)
        return data.decode(errors="replace")

    async def until_said(self, execution: int, name: str, text: str, times: int = 1) -> None:
        """Wait until it has printed ``text``."""

        async def found() -> bool:
            said = await self.said(execution, name)
            assert said.count(text) >= times, said
            return True

        await eventually_async(found, timeout=90.0)

    async def gone(self, execution: int, name: str) -> InstanceRecord:
        """Wait for the end of an instance, as long as a worker may take to hand on its data."""

        async def there() -> InstanceRecord | None:
            found = await self.call(executions.instances_of, [execution])
            return next(
                (each for each in found[execution] if each.name == name and each.ended_at), None
            )

        found = await eventually_async(there, timeout=90.0)
        assert found is not None
        return found

    async def is_well(self, execution: int, monitor: str) -> str:
        """Wait for its end, which must be a good one; returns what its monitor printed."""
        outcome = await self.outcome(execution)
        printed = await self.said(execution, monitor)
        assert outcome == ("terminated", f"{monitor} has finished."), printed
        return printed


@pytest.fixture(scope="module")
def site(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ContainerSite]:
    """One site for all tests of a module."""
    directory = tmp_path_factory.mktemp("site")
    with fresh_database(postgres) as url, _container_site(url, directory) as site:
        yield site


@pytest.fixture
async def runs(site: ContainerSite) -> AsyncIterator[Runs]:
    """The hub's end of the wire to its master."""
    runs = Runs(site)
    yield runs
    await runs.close()


def gallery_zapp(slug: str, **values: object) -> ZApp:
    """The description of a ZApp of the gallery with these values for its parameters."""
    entry = load_gallery()[slug]
    return apply_parameters(entry.zapp, entry.parameters, values)


async def appears(place: Path, pattern: str, count: int = 1) -> list[Path]:
    """Wait until so many files of a directory match the pattern; returns them."""

    def found() -> list[Path] | None:
        files = sorted(place.glob(pattern))
        assert len(files) >= count, [each.name for each in place.iterdir()]
        return files

    files = await eventually_async(lambda: asyncio.to_thread(found), timeout=90.0)
    assert files is not None
    return files
