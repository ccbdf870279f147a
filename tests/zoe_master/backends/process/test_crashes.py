"""What a crash between any two steps of the process back-end leaves, and who mends it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.contract.sites import DEPLOYMENT, OTHER_DEPLOYMENT, ProcessSite
from tests.support.survivors import is_running
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Observation, Retry
from zoe_master.backends.process import launch
from zoe_master.backends.process.files import InstanceFiles
from zoe_master.backends.process.order import make_order
from zoe_master.backends.process.primitives import boot_id

INSTANCE = InstanceId(1, "worker", 0)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ProcessSite]:
    site = ProcessSite(tmp_path)
    yield site
    site.close()


@pytest.fixture
def files(site: ProcessSite) -> InstanceFiles:
    """The directory of ``INSTANCE``, as a master leaves it that dies before it starts a shim."""
    name = INSTANCE.container_name(DEPLOYMENT)
    files = InstanceFiles(Path(site.backend.directory, "instances", name))
    files.create(DEPLOYMENT, INSTANCE, site.backend.nodes()[0].name)
    return files


def start_as_an_earlier_master(site: ProcessSite, files: InstanceFiles, *command: str) -> None:
    """Its shim is there; the present master knows nothing of it."""
    order = make_order(
        site.spec(*command),
        variables={},
        present=(),
        marker=files.directory.name,
        temporary=str(files.temporary),
        master_lock=os.path.join(site.backend.directory, "master.lock"),
        orphan_timeout=60.0,
        grace=1.0,
        log_limit=1000,
    )
    launch.launch(files, order)


def test_a_directory_without_a_shim_is_removed(site: ProcessSite, files: InstanceFiles) -> None:
    assert list(site.backend.observations()) == []
    site.backend.remove(INSTANCE)
    assert not files.directory.exists()


def test_what_is_half_made_or_half_removed_is_swept_up(
    site: ProcessSite, files: InstanceFiles
) -> None:
    (files.directory / "instance.json").unlink()
    site.restart()
    assert not files.directory.exists()


def test_a_directory_of_another_deployment_is_left_alone(
    site: ProcessSite, files: InstanceFiles
) -> None:
    """The name holds only the beginning of the deployment's UUID."""
    files.create(OTHER_DEPLOYMENT, INSTANCE, "node-0")
    site.restart()
    site.backend.release(INSTANCE.execution_id)
    assert list(site.backend.observations()) == []
    assert files.directory.exists()


def test_a_shim_that_has_not_yet_taken_its_instance_on_keeps_the_directory(
    site: ProcessSite, files: InstanceFiles
) -> None:
    """Its master died; else the command would run in a directory that is gone."""
    orders, to_shim = os.pipe()
    from_shim, answers = os.pipe()
    with files.lent_to_shim() as lock:
        pid = launch._spawn(files.directory, orders, answers, lock)
    for each in (orders, answers):
        os.close(each)
    for remove in (site.backend.remove, lambda each: site.backend.release(each.execution_id)):
        with pytest.raises(Retry, match="is still being started"):
            remove(INSTANCE)
    os.close(to_shim)  # the master died before it has told what to run
    os.waitpid(pid, 0)
    os.close(from_shim)
    site.backend.release(INSTANCE.execution_id)
    assert not files.directory.exists()


def test_what_an_earlier_master_started_late_is_told_with_its_end(
    site: ProcessSite, files: InstanceFiles
) -> None:
    told: list[Observation] = []
    site.backend.watch(told.append)
    start_as_an_earlier_master(site, files, "sleep", "infinity")
    with pytest.raises(Retry, match="still runs"):
        site.backend.remove(INSTANCE)
    site.start("never", id=INSTANCE)
    assert [each.observed for each in site.backend.observations()] == [Observed.RUNNING]
    site.backend.stop(INSTANCE, grace=30)
    eventually(lambda: told[-1].observed is Observed.EXITED)
    assert [each.observed for each in told] == [Observed.RUNNING, Observed.EXITED]


def test_a_shim_that_died_before_its_command_ran_is_told(
    site: ProcessSite, files: InstanceFiles
) -> None:
    told: list[Observation] = []
    site.backend.watch(told.append)
    gone = 2**22 + 1  # more than the kernel has
    (files.directory / "started").write_text(f"{gone} 1 {boot_id()}\n")
    site.start("never", id=INSTANCE)
    assert [each.observed for each in told] == [Observed.LOST]


def test_nothing_marked_is_left_of_what_is_removed(site: ProcessSite, files: InstanceFiles) -> None:
    """The shim was killed, and then the master before it could kill the rest."""
    line = "(setsid sleep 98763 &); echo ready; sleep infinity"
    start_as_an_earlier_master(site, files, "sh", "-c", line)
    site.await_log(INSTANCE, b"ready")
    shim = files.shim()
    assert shim is not None
    family = psutil.Process(shim).children(recursive=True)
    os.kill(shim, signal.SIGKILL)
    eventually(lambda: files.shim() is None)
    site.backend.remove(INSTANCE)
    eventually(lambda: not any(map(is_running, family)))
    assert not files.directory.exists()


def test_files_that_a_power_failure_left_empty_harm_nobody(
    site: ProcessSite, files: InstanceFiles
) -> None:
    second = site.start("sleep", "infinity", execution=2)
    lost = InstanceFiles(files.directory.with_name(second.container_name(DEPLOYMENT)))
    site.backend.stop(second, grace=0)
    site.await_exit(second)
    for each in (files.directory / "instance.json", lost.directory / "started"):
        each.write_text("")
    (lost.directory / "exit").write_text("")
    Path(site.backend.directory, "addresses.json").write_text("")
    Path(site.backend.directory, "addresses.json.0123").write_text("{")
    site.restart()
    assert [each.observed for each in site.backend.observations()] == [Observed.LOST]
    assert not files.directory.exists()
    assert not Path(site.backend.directory, "addresses.json.0123").exists()
    assert site.backend.dns_name(3, "worker", 0)


def test_no_address_is_given_out_for_what_is_gone(site: ProcessSite) -> None:
    instance = site.start("sleep", "infinity", ports=(8888,))
    assert site.backend.address(instance, 8888)[1] == 8888
    site.backend.stop(instance, grace=0)
    site.await_exit(instance)
    site.backend.release(instance.execution_id)
    with pytest.raises(Retry, match="worker-0 has no address"):
        site.backend.address(instance, 8888)
    assert Path(site.backend.directory, "addresses.json").read_text() == "{}"
