"""The portal comes up with the back-end docker whatever its engine does, and says what is amiss."""

from pathlib import Path

from tests.support.container_zoe import ContainerZoe
from tests.support.docker_engine import DockerEngine
from tests.support.waiting import eventually


def test_without_an_engine_the_portal_comes_up_and_says_so(tmp_path: Path) -> None:
    zoe = ContainerZoe(tmp_path / "zoe", DockerEngine(f"unix://{tmp_path}/nobody.sock"))
    zoe.extra_environment["ZOE_ADDRESS"] = "127.0.0.1"  # there may be no docker0
    with zoe:
        said = "No Docker Engine answers as '"
        eventually(lambda: said in zoe.output(), message=zoe.output)
        with zoe.person("admin") as admin:
            # What is launched waits, and says for what.
            admin.start_server("lab")
            waiting = eventually(lambda: admin.execution("lab")["waiting"], message=zoe.output)
            assert waiting["reasons"][0].startswith("No node can start"), waiting


def test_an_address_that_is_not_ours_is_refused_in_one_line(tmp_path: Path) -> None:
    zoe = ContainerZoe(tmp_path / "zoe", DockerEngine("unix:///nobody.sock"))
    zoe.extra_environment["ZOE_ADDRESS"] = "192.0.2.254"
    assert zoe.start().wait(60) == 1
    assert zoe.output().splitlines()[-1].startswith("Zoe cannot start: ZOE_ADDRESS=192.0.2.254 is")
