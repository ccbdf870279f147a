"""The whole of `make portal`: one process starts it all, and takes it all along when it ends."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.survivors import family, is_running, survivors
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningZoe]:
    """One Zoe for the tests that leave it as it is."""
    with RunningZoe(tmp_path_factory.mktemp("lifetime") / "zoe") as zoe:
        yield zoe


def start_in_vain(zoe: RunningZoe) -> str:
    """Start a Hub that cannot run, and return what it says."""
    assert zoe.start().wait(60) == 1
    return zoe.output()


def members(zoe: RunningZoe) -> list[psutil.Process]:
    """All processes of a running Zoe; those it must have are among them."""
    for program in (
        "bin/postgres",
        "bin/traefik",
        "zoe_master.app:main",
        "zoe_hub.portal.app:main",
    ):
        assert is_running(part(zoe, program))
    assert zoe.process is not None
    return family(zoe.process.pid)


def part(zoe: RunningZoe, program: str) -> psutil.Process:
    """The child of the Hub whose command names `program`."""
    assert zoe.process is not None
    children = psutil.Process(zoe.process.pid).children()
    running = survivors(children)
    found = [child for child in running if program in " ".join(child.cmdline())]
    assert len(found) == 1, (program, children)
    return found[0]


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with RunningZoe(tmp_path / "zoe") as zoe:
        everything = members(zoe)
        assert zoe.stop() == 0
        assert survivors(everything) == []
        assert "Traceback" not in zoe.output()


def test_a_kill_of_the_hub_ends_everything_and_the_next_start_finds_all(tmp_path: Path) -> None:
    with RunningZoe(tmp_path / "zoe") as first:
        administrator = first.administrator()
        administrator.open("/hub/password")
        secret = "a password that stays"
        administrator.submit("/hub/password", new_password=secret, repeated=secret)
        everything = members(first)
        assert first.process is not None
        first.process.kill()
        eventually(lambda: survivors(everything) == [], message=lambda: str(survivors(everything)))
    with RunningZoe(tmp_path / "zoe", port=first.port) as second:
        browser = second.browser()
        assert browser.log_in("admin", secret).status_code == 302
        assert browser.model()["groups"] == ["zoe-admin"]


def test_it_tells_where_it_is_and_gives_a_link(running: RunningZoe) -> None:
    assert f"Zoe is ready at {running.url}/" in running.output()
    assert running.printed_link.startswith(f"{running.url}/hub/zoe-login?token=")
    assert httpx.get(f"{running.url}/hub/login").status_code == 200


def test_the_portal_is_behind_the_login(running: RunningZoe) -> None:
    answer = httpx.get(f"{running.url}/services/zoe/", headers={"Sec-Fetch-Mode": "navigate"})
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/hub/api/oauth2/authorize")


@pytest.mark.parametrize("program", ["zoe_master.app:main", "zoe_hub.portal.app:main"])
def test_a_service_that_dies_is_started_again(running: RunningZoe, program: str) -> None:
    before = part(running, program)
    before.kill()
    eventually(lambda: not survivors([before]))

    eventually(lambda: is_running(part(running, program)))


def test_a_subcommand_uses_what_runs_and_starts_nothing(running: RunningZoe) -> None:
    running.administrator()
    before = set(running.directory.iterdir())
    result = _jupyterhub(running, "token", "admin")
    assert result.returncode == 0, result.stderr
    token = result.stdout.strip().splitlines()[-1]
    answer = httpx.get(f"{running.url}/hub/api/user", headers={"Authorization": f"token {token}"})
    assert answer.json()["name"] == "admin"
    assert set(running.directory.iterdir()) == before


def test_a_subcommand_without_a_running_zoe_starts_nothing(tmp_path: Path) -> None:
    zoe = RunningZoe(tmp_path / "zoe")
    result = _jupyterhub(zoe, "token", "admin")
    assert result.returncode != 0
    assert not zoe.directory.exists()


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        output = start_in_vain(RunningZoe(tmp_path / "zoe", port=port))
    assert output.startswith(f"Zoe cannot start: port {port} is taken")
    assert "ZOE_PORT=" in output
    assert output.count("\n") == 1
    assert not (tmp_path / "zoe").exists()


def test_a_second_zoe_in_the_same_directory_is_refused(running: RunningZoe) -> None:
    second = RunningZoe(running.directory)
    second.log = running.directory.with_name("second.log")
    link = running.fresh_link()
    output = start_in_vain(second)
    assert output == f"Zoe cannot start: another Zoe runs in ZOE_DIR={running.directory}\n"
    assert (running.directory / "login-link").read_text().strip() == link


def test_a_directory_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    zoe = RunningZoe(tmp_path / "zoe")
    zoe.directory = tmp_path / "file" / "zoe"
    output = start_in_vain(zoe)
    assert output.startswith(f"Zoe cannot start: ZOE_DIR={zoe.directory} cannot be made")
    assert output.count("\n") == 1


def _jupyterhub(zoe: RunningZoe, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a subcommand with the project's configuration."""
    return subprocess.run(
        [
            Path(sys.executable).with_name("jupyterhub"),
            *arguments,
            "-f",
            ROOT / "jupyterhub_config.py",
        ],
        cwd=zoe.log.parent,
        env=zoe.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
