"""Instances whose master dies: they wait for the next one, but not for ever."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.contract.sites import DEPLOYMENT, ProcessSite
from tests.support.waiting import eventually
from tests.zoe_master.backends.process.master import INSTANCE
from zoe_core.cluster import Observed
from zoe_master.backends.process.files import InstanceFiles

PATIENT, IMPATIENT = "60", "1"
KilledMaster = Callable[..., InstanceFiles]


@pytest.fixture
def killed_master(tmp_path: Path) -> Iterator[KilledMaster]:
    """Run a master that starts one instance, and kill -9 it."""

    def run(timeout: str, *command: str) -> InstanceFiles:
        directory = tmp_path / DEPLOYMENT
        words = [sys.executable, "-m", "tests.zoe_master.backends.process.master"]
        with subprocess.Popen(
            [*words, str(directory), DEPLOYMENT, timeout, *command], stdout=subprocess.PIPE
        ) as master:
            assert master.stdout is not None
            assert master.stdout.readline() == b"started\n"
            master.kill()
        return InstanceFiles(directory / "instances" / INSTANCE.container_name(DEPLOYMENT))

    yield run
    site = ProcessSite(tmp_path)
    site.close()


def test_the_next_master_takes_over(killed_master: KilledMaster, tmp_path: Path) -> None:
    killed_master(
        PATIENT, "sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    )
    site = ProcessSite(tmp_path)
    assert site.observe(INSTANCE).observed is Observed.RUNNING
    site.await_log(INSTANCE, b"ready")
    site.backend.stop(INSTANCE, grace=30)
    assert site.await_exit(INSTANCE).exit_code == 7
    site.close()


def test_what_ends_without_a_master_leaves_its_exit_code(
    killed_master: KilledMaster, tmp_path: Path
) -> None:
    files = killed_master(PATIENT, "sh", "-c", "sleep 0.5; echo done; exit 3")
    eventually(lambda: files.shim() is None)
    site = ProcessSite(tmp_path)
    assert site.observe(INSTANCE).exit_code == 3
    assert site.log(INSTANCE) == b"done\n"
    site.close()


def test_without_a_new_master_it_ends(killed_master: KilledMaster) -> None:
    files = killed_master(IMPATIENT, "sh", "-c", "(setsid sleep 98764 &); sleep infinity")
    eventually(lambda: files.shim() is None)
    seen = files.observe(DEPLOYMENT)
    assert (seen.observed, seen.exit_code) == (Observed.EXITED, -15)
    assert "no master came back" in seen.detail
    left = [each for each in psutil.process_iter(["cmdline"]) if "98764" in str(each.info)]
    assert left == []


def test_with_a_new_master_it_goes_on(killed_master: KilledMaster, tmp_path: Path) -> None:
    """The log proves it: the command runs for longer than a shim waits for a master."""
    killed_master(IMPATIENT, "sh", "-c", "sleep 2.5; echo still here; sleep infinity")
    site = ProcessSite(tmp_path)
    site.await_log(INSTANCE, b"still here")
    assert site.observe(INSTANCE).observed is Observed.RUNNING
    site.close()
