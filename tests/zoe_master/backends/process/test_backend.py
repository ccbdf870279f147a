"""What only the process back-end does."""

import errno
import os
import signal
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import psutil
import pytest
from traitlets import TraitError

from tests.contract.sites import DEPLOYMENT, ProcessSite
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Fatal, Retry
from zoe_master.backends.process.files import InstanceFiles
from zoe_master.backends.process.primitives import write_atomically


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ProcessSite]:
    site = ProcessSite(tmp_path)
    yield site
    site.close()


def files_of(site: ProcessSite, instance: InstanceId) -> InstanceFiles:
    name = instance.container_name(DEPLOYMENT)
    return InstanceFiles(Path(site.backend.directory, "instances", name))


def test_it_says_for_whom_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ProcessSite(tmp_path).close()
    assert "for one person on one machine" in caplog.text


def test_the_node_is_this_machine(site: ProcessSite) -> None:
    [node] = site.backend.nodes()
    assert node.name == socket.gethostname()
    assert node.capacity.memory == psutil.virtual_memory().total * 9 // 10
    assert node.capacity.cores == psutil.cpu_count()


def test_a_site_says_what_is_special_about_it(site: ProcessSite) -> None:
    [node] = site.make("other", labels=["ssd", "fast"]).nodes()
    assert node.labels == {"fast", "ssd"}


def test_an_image_that_lacks_something_is_named_with_it(site: ProcessSite) -> None:
    backend = site.make(
        "other",
        environments={"good": {}, "bad": {"requires": ["command:no-such-command"]}},
        memory=2**30,
        cores=1.5,
    )
    [node] = backend.nodes()
    assert (node.capacity.memory, node.capacity.cores) == (2**30, 1.5)
    assert node.images == {"good"}
    assert set(node.missing_images) == {"bad"}
    assert "no-such-command was not found" in node.missing_images["bad"]
    with pytest.raises(Fatal, match="'bad' cannot be started: The command no-such-command"):
        backend.start(site.spec("true", image="bad"))


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ("bin", r"environments\['x'\] is a dict"),
        ({"paths": []}, r"environments\['x'\] is a dict"),
        ({"path": "/bin"}, r"environments\['x'\]\['path'\] is a list of directories"),
        ({"env": {"A": 1}}, r"environments\['x'\]\['env'\]"),
        ({"requires": ["java"]}, r"environments\['x'\]\['requires'\] lists java>="),
    ],
)
def test_a_bad_environment_is_named(site: ProcessSite, environment: object, complaint: str) -> None:
    with pytest.raises(TraitError, match=complaint):
        site.make("other", environments={"x": environment})


def test_environments_put_their_path_first_and_set_variables(
    site: ProcessSite, tmp_path: Path
) -> None:
    program = tmp_path / "greet"
    program.write_text('#!/bin/sh\necho "$GREETING, $USER"\n')
    program.chmod(0o755)
    site.backend.close()
    environment = {"path": [str(tmp_path)], "env": {"GREETING": "hello"}}
    site.backend = site.make(DEPLOYMENT, environments={"test": environment})
    site.backend.open()
    _, log = site.run("greet")
    site.backend.close()
    assert log == b"hello, alice\n"


def test_a_log_has_an_end(site: ProcessSite) -> None:
    site.backend.log_limit = 1000
    seen, log = site.run("sh", "-c", "seq 100000; exit 3")
    assert seen.exit_code == 3
    assert log.startswith(b"1\n2\n3\n")
    assert log.endswith(b"\n[zoe] The log has reached 1000 bytes; what follows is not kept.\n")
    assert len(log) < 1100


def test_addresses_are_loopback_and_given_back(site: ProcessSite) -> None:
    backend = site.backend
    address = backend.dns_name(1, "worker", 0)
    assert IPv4Address(address).is_loopback
    assert not address.startswith("127.0.")
    backend.dns_name(11, "worker", 0)
    backend.release(1)
    assert "11/worker-0" in Path(backend.directory, "addresses.json").read_text()
    assert '"1/worker-0' not in Path(backend.directory, "addresses.json").read_text()


def test_what_a_killed_shim_leaves_behind_is_lost_and_ended(site: ProcessSite) -> None:
    instance = site.start("sh", "-c", "(setsid sleep 98765 &); echo ready; sleep infinity")
    site.await_log(instance, b"ready")
    shim = files_of(site, instance).shim()
    family = psutil.Process(shim).children(recursive=True)
    assert family
    os.kill(shim, signal.SIGKILL)
    eventually(lambda: site.observe(instance).observed is Observed.LOST)
    eventually(lambda: not any(each.is_running() for each in family))
    site.backend.remove(instance)
    assert site.observe(instance) is None


def test_another_process_with_the_same_number_is_not_taken_for_it(site: ProcessSite) -> None:
    seen, _ = site.run("true")
    files = files_of(site, seen.id)
    (files.directory / "exit").unlink()
    started = files.directory / "started"
    _, since, boot = started.read_text().split()
    started.write_text(f"{os.getpid()} {since} {boot}\n")
    assert site.observe(seen.id).observed is Observed.LOST
    site.backend.stop(seen.id, grace=0)


def test_after_a_boot_nothing_is_taken_for_running(site: ProcessSite) -> None:
    instance = site.start("sleep", "infinity")
    started = files_of(site, instance).directory / "started"
    truth = started.read_text()
    started.write_text(" ".join([*truth.split()[:2], "00000000-0000-0000-0000-000000000000"]))
    assert site.observe(instance).observed is Observed.LOST
    started.write_text(truth)
    assert site.observe(instance).observed is Observed.RUNNING


def test_a_directory_without_a_shim_is_started_in(site: ProcessSite) -> None:
    """A master died between making the directory and starting the shim."""
    spec = site.spec("echo", "hello")
    files_of(site, spec.id).create(DEPLOYMENT, spec.id, spec.node)
    assert site.observe(spec.id) is None
    _, log = site.run("echo", "hello")
    assert log == b"hello\n"


def test_a_supervisor_that_cannot_work_is_tried_again(site: ProcessSite) -> None:
    spec = site.spec("echo", "hello")
    files = files_of(site, spec.id)
    files.log.mkdir(parents=True)
    with pytest.raises(Retry, match="did not start: IsADirectoryError"):
        site.backend.start(spec)
    assert site.observe(spec.id) is None
    files.log.rmdir()
    _, log = site.run("echo", "hello")
    assert log == b"hello\n"


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / DEPLOYMENT).write_text("in the way")
    with pytest.raises(Fatal, match=f"{DEPLOYMENT} cannot be used: File exists"):
        ProcessSite(tmp_path)


def test_two_masters_do_not_share_a_directory(
    site: ProcessSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoe_master.backends.process.backend._TAKEOVER", 0.1)
    second = site.make(DEPLOYMENT)
    with pytest.raises(Retry, match="Another Zoe master uses"):
        second.open()
    second.close()


def test_on_a_full_disk_everything_can_be_stopped(
    site: ProcessSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(name: str, content: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

    instances = [site.start("sleep", "infinity", execution=each) for each in (1, 2)]
    monkeypatch.setattr("zoe_master.backends.process.files.write_atomically", full)
    site.backend.end_all()
    for each in instances:
        assert site.observe(each).exit_code == -signal.SIGTERM


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "stop").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(str(tmp_path / "stop"), "1.0\n")
    assert os.listdir(tmp_path) == ["stop"]


def test_volumes_are_refused(site: ProcessSite) -> None:
    with pytest.raises(Fatal, match="asks for volumes"):
        site.start("true", volumes=(("/data", "/data", True),))


def test_the_reason_of_an_orderly_end_is_said(site: ProcessSite) -> None:
    instance = site.start("sleep", "infinity")
    site.backend.end_all()
    assert site.observe(instance).detail == "It was stopped together with the portal."
