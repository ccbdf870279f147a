"""A container that was created and never started, as master or engine died between the two."""

from pathlib import Path

import docker
import pytest
import requests

from tests.contract.sites import DEPLOYMENT, DockerSite
from tests.support.docker_engine import running_engine
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Fatal, Retry
from zoe_master.backends.docker.identity import label_filters


def left(site: DockerSite) -> list[str]:
    """The states of the deployment's containers, and the names of its records."""
    client = running_engine().client
    found = client.containers.list(all=True, filters=label_filters(DEPLOYMENT))
    records = Path(site.backend.directory, "instances").iterdir()
    return [*(each.status for each in found), *(each.name for each in records)]


@pytest.fixture
def created(site: DockerSite, monkeypatch: pytest.MonkeyPatch) -> InstanceId:
    """Such a one; a new master has come."""

    def die(*_: object) -> None:
        raise requests.ConnectionError("the engine has died")

    spec = site.spec("sleep", "infinity")
    with monkeypatch.context() as patch:
        patch.setattr(docker.APIClient, "start", die)
        with pytest.raises(Retry, match="does not answer"):
            site.backend.start(spec)
    site.restart()
    assert left(site) == ["created", spec.id.container_name(DEPLOYMENT)]
    return spec.id


def test_it_is_not_seen_so_that_it_is_started(site: DockerSite, created: InstanceId) -> None:
    assert site.observe(created) is None
    assert created in {each.instance for each in site.backend.inventory()}
    site.start("sleep", "infinity")
    assert site.observe(created).observed is Observed.RUNNING
    assert left(site)[:1] == ["running"]


def test_to_be_stopped_ends_it(site: DockerSite, created: InstanceId) -> None:
    site.backend.stop(created, grace=3600)
    assert left(site) == [created.container_name(DEPLOYMENT)]
    site.backend.remove(created)
    assert left(site) == []


def test_it_is_removed_with_its_record(site: DockerSite, created: InstanceId) -> None:
    site.backend.remove(created)
    assert left(site) == []


def test_it_is_released_with_its_execution(site: DockerSite, created: InstanceId) -> None:
    site.backend.release(created.execution_id)
    assert left(site) == []


def test_a_work_dir_that_is_a_file_of_the_image_is_fatal(site: DockerSite) -> None:
    with pytest.raises(Fatal, match="work_dir '/bin/busybox' of worker-0 is not a directory"):
        site.start("true", work_dir="/bin/busybox")


def test_the_command_is_not_blamed_for_where_it_was_to_start(
    site: DockerSite, tmp_path: Path
) -> None:
    """Docker gives that the exit code of a command that is not there."""
    (tmp_path / "file").touch()
    volumes = ((str(tmp_path), "/mnt/data", True),)
    with pytest.raises(Fatal, match=r"worker-0 cannot be started: .*not a directory"):
        site.start("true", work_dir="/mnt/data/file", volumes=volumes)
    (seen,) = site.backend.observations()
    assert (seen.observed, seen.exit_code) == (Observed.EXITED, 127)
    assert seen.detail.startswith("It could not be started: ")


def test_what_a_crash_left_of_a_record_goes(site: DockerSite) -> None:
    """The master died before the record said whose it is."""
    spec = site.spec("sleep", "infinity")
    record = Path(site.backend.directory, "instances", spec.id.container_name(DEPLOYMENT))
    record.mkdir()
    site.backend.remove(spec.id)
    assert left(site) == []
    record.mkdir()
    site.backend.release(spec.id.execution_id)
    assert left(site) == []
