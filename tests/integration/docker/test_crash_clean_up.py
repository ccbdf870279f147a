"""The master is killed while containers start, are stopped and are removed: nothing stays behind.

The whole matrix of crashes is in ``tests/faults``; here is what can leak on an engine alone.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import NotFound

from tests.faults.site import SUCCESS, CrashSite
from tests.integration.docker.hostile import HOSTILE_IMAGE, add_hostile_image, shell
from tests.support.builders import service, worker, zapp
from tests.support.docker_engine import DockerEngine, running_engine
from tests.support.masters import MasterProcess
from tests.support.postgres import fresh_database
from tests.support.waiting import eventually
from zoe_master.backends.docker.identity import label_filters
from zoe_store.checkpoints import Checkpoint
from zoe_store.cluster import master_record, reserved_by_node
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.executions import instances_of

pytestmark = pytest.mark.timeout(180)

BEGIN = "echo $(cat /etc/hostname) >> runs; "
FINISH = 'until [ -e "finish-$EXECUTION_ID" ]; do sleep 0.1; done'
SMALL = {"image": HOSTILE_IMAGE, "memory": 0.05, "cores": 0.1}
GANG = zapp(
    service(command=shell(BEGIN + FINISH), **SMALL),
    worker(command=shell(BEGIN + "exec sleep 1000"), **SMALL),
)


class DockerCrashSite(CrashSite):
    """The same with containers; their image makes an anonymous volume for each."""

    def __init__(self, url: str, directory: Path, engine: DockerEngine) -> None:
        self.engine = engine
        super().__init__(url, directory)
        self.deployment = master_record(self.database).uuid

    def close(self) -> None:
        super().close()
        self.engine.remove_all(self.deployment)

    def _master(self) -> MasterProcess:
        return MasterProcess(
            self.url,
            self.directory,
            module="tests.faults.armed_master",
            kind="docker",
            backend={"engines": [{"url": self.engine.url}]},
            relist_interval=0.5,
            stop_grace=1.0,
        )

    def volumes(self, one: int) -> list[str]:
        """The anonymous volumes of an execution, once all its containers run."""
        self.until(one, "running")
        filters = label_filters(self.deployment, one)
        found = self.engine.client.containers.list(filters=filters)
        names = [
            mount["Name"]
            for each in found
            for mount in each.attrs["Mounts"]
            if mount["Type"] == "volume"
        ]
        assert len(names) == len(found) == 2
        return names

    def leftovers(self, volumes: list[str]) -> list[str]:
        """What there is of any execution, and which of these volumes."""
        client, filters = self.engine.client, label_filters(self.deployment)
        found = [each.name for each in client.containers.list(all=True, filters=filters)]
        found += [each.name for each in client.networks.list(filters=filters)]
        found += [each for each in volumes if self._is_there(each)]
        return found + [str(each) for each in (self.directory / "docker/instances").iterdir()]

    def _is_there(self, volume: str) -> bool:
        try:
            self.engine.client.volumes.get(volume)
        except NotFound:
            return False
        return True


@pytest.fixture(scope="module")
def site(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DockerCrashSite]:
    engine = running_engine()
    add_hostile_image(engine)
    with fresh_database(postgres) as url:
        site = DockerCrashSite(url, tmp_path_factory.mktemp("crashes"), engine)
        yield site
        site.close()


@pytest.mark.parametrize(
    "point",
    [
        Checkpoint.DOCKER_CREATED,
        Checkpoint.APPLY_STARTED,
        Checkpoint.APPLY_STOPPED,
        Checkpoint.APPLY_REMOVED,
        Checkpoint.APPLY_RELEASED,
    ],
)
def test_nothing_stays_behind(site: DockerCrashSite, point: Checkpoint) -> None:
    early = point in (Checkpoint.DOCKER_CREATED, Checkpoint.APPLY_STARTED)
    if early:
        site.arm(point)
    one = site.submit(GANG)
    if early:
        site.await_crash()
    volumes = site.volumes(one)
    if not early:
        site.arm(point)
    site.let_finish(one)
    if not early:
        site.await_crash()
    site.ends(one, "main-0 has finished.", SUCCESS)
    eventually(lambda: not site.leftovers(volumes), message=lambda: f"{site.leftovers(volumes)} go")
    assert reserved_by_node(site.database) == {}
    assert {each.attempt for each in instances_of(site.database, [one])[one]} == {1}
    begun = (site.workspace / "runs").read_text().split()
    assert sorted(each for each in begun if each.endswith(f"-{one}")) == [
        f"main-0-{one}",
        f"worker-0-{one}",
    ]
