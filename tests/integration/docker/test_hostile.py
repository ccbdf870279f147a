"""Descriptions that mean harm, or are wrong: each ends, and says why."""

import signal

import pytest

from tests.contract.sites import DockerSite
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Fatal


def test_an_image_that_nobody_has(site: DockerSite) -> None:
    with pytest.raises(Fatal, match=r"no image 'no\.invalid/such:image' on this node"):
        site.start("true", image="no.invalid/such:image")


@pytest.mark.parametrize("image", ["", "UPPER/case", "a b", "--privileged", "../../etc"])
def test_an_image_with_an_impossible_name(site: DockerSite, image: str) -> None:
    with pytest.raises(Fatal):
        site.start("true", image=image)


def test_a_command_that_is_not_there(site: DockerSite) -> None:
    seen, log = site.run("no-such-command", "--help")
    assert (seen.exit_code, seen.detail) == (127, "The command 'no-such-command' was not found.")
    assert seen.detail.encode() in log


def test_a_file_that_is_no_program(site: DockerSite) -> None:
    seen, _ = site.run("/etc")
    assert seen.exit_code == 126
    assert seen.detail.startswith("The command '/etc' cannot be run")


def test_a_program_that_ends_with_127_by_itself(site: DockerSite) -> None:
    seen, _ = site.run("sh", "-c", "exit 127")
    assert (seen.exit_code, seen.detail) == (127, None)


def test_options_in_a_command_are_words(site: DockerSite) -> None:
    _, log = site.run("echo", "--privileged", "--cap-add=ALL", "-v", "/:/host")
    assert log == b"--privileged --cap-add=ALL -v /:/host\n"


def test_a_flood_of_output_is_bounded(site: DockerSite) -> None:
    site.restart_with(log_limit=100_000)
    instance = site.start("yes")
    log = site.await_log(instance, b"what follows is not kept")
    assert len(log) < 101_000
    site.backend.stop(instance, grace=30)
    assert site.await_exit(instance).observed is Observed.EXITED


def test_daemons_end_with_the_command(site: DockerSite) -> None:
    seen, _ = site.run("sh", "-c", "(setsid sleep 98765 &); exit 3")
    assert seen.exit_code == 3


def test_one_that_ends_at_once_is_seen_with_its_log(site: DockerSite) -> None:
    for number in range(5):
        seen, log = site.run("echo", "short", id=InstanceId(3, "worker", number))
        assert (seen.exit_code, log) == (0, b"short\n")


def test_one_that_kills_all_that_it_can(site: DockerSite) -> None:
    seen, _ = site.run("sh", "-c", "kill -9 -1; kill -9 1; exit 4")
    assert seen.exit_code in (4, -signal.SIGKILL)
