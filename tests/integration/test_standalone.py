"""Master, portal and Hub as processes of their own: the death of one leaves the others alone."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.support.ports import free_ports_in_a_row
from tests.support.running_zoe import ROOT
from tests.support.standalone import StandaloneZoe
from tests.support.survivors import is_running
from tests.support.waiting import eventually
from zoe_store import executions

pytestmark = pytest.mark.timeout(240)

API = "/services/zoe/api/v1"

# There is room for one of them at a time.
CONFIG = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.ProcessBackend.memory = 400 * 2**20
c.ProcessBackend.environments = {{"test": {{}}}}
c.ZoePortal.login_cache = 1
"""


@pytest.fixture
def zoe(tmp_path: Path) -> Iterator[StandaloneZoe]:
    with StandaloneZoe(tmp_path / "zoe", CONFIG) as zoe:
        yield zoe


class Client:
    """The administrator's scripts: through the Hub's proxy, or straight to the portal."""

    def __init__(self, zoe: StandaloneZoe) -> None:
        self.zoe = zoe
        self.headers = {"Authorization": f"token {zoe.administrator().make_token()}"}

    def call(self, method: str, path: str, *, direct: bool = False, **kwargs: Any) -> Any:
        base = self.zoe.portal_url if direct else self.zoe.url
        return httpx.request(method, base + path, headers=self.headers, timeout=30, **kwargs)

    def launch(self, command: str, name: str) -> int:
        service = {
            "name": "main",
            "image": "test",
            "monitor": True,
            "total_count": 1,
            "essential_count": 1,
            "command": command,
            "resources": {"memory": {"min": 256 * 2**20}, "cores": {"min": 0.1}},
        }
        description = {"version": 4, "name": name, "will_end": True, "services": [service]}
        body = {"description": description, "name": name}
        answer = self.call("POST", f"{API}/executions", json=body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def status(self, execution_id: int) -> str:
        answer = self.call("GET", f"{API}/executions/{execution_id}")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["status"])


@pytest.fixture
def client(zoe: StandaloneZoe) -> Client:
    return Client(zoe)


def stored(zoe: StandaloneZoe, execution_id: int) -> str:
    """The status of an execution as the database knows it."""
    record = executions.get(zoe.database, execution_id)
    assert record is not None
    return record.status.value


def instances(mark: str) -> list[psutil.Process]:
    """The processes of an execution, which have its mark on their command lines."""
    return [
        each for each in psutil.process_iter(["cmdline"]) if mark in (each.info["cmdline"] or ())
    ]


def test_the_hub_dies_and_the_master_goes_on(zoe: StandaloneZoe, client: Client) -> None:
    flag = zoe.directory.with_name("flag")
    first = client.launch(f"sh -c 'until test -e {flag}; do sleep 0.05; done'", "first")
    second = client.launch("sleep 4711", "second")
    eventually(lambda: client.status(first) == "running")
    eventually(lambda: client.status(second) == "queued")
    master, portal = zoe.pid("master"), zoe.pid("portal")

    zoe.kill("hub")

    flag.write_text("")
    eventually(lambda: stored(zoe, first) == "terminated")
    eventually(lambda: stored(zoe, second) == "running")
    assert (zoe.pid("master"), zoe.pid("portal")) == (master, portal)
    assert zoe.runs("master")
    assert zoe.runs("portal")

    # Who somebody is, only the Hub knows.
    def known_no_more() -> bool:  # what the Hub said last is believed for a second
        return client.call("GET", f"{API}/info", direct=True).status_code == 503

    eventually(known_no_more)
    for method in ("GET", "POST"):
        answer = client.call(method, f"{API}/executions", direct=True)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"].startswith("JupyterHub does not answer.")
    page = httpx.get(f"{zoe.portal_url}/services/zoe/", headers={"Sec-Fetch-Mode": "navigate"})
    assert page.status_code == 302  # to the login
    assert httpx.get(f"{zoe.portal_url}/services/zoe/static/css/zoe.css").status_code == 200

    zoe.start_part("hub")

    assert client.status(first) == "terminated"
    assert client.status(second) == "running"
    assert zoe.administrator().name() == "admin"
    assert zoe.pid("master") == master
    assert client.call("DELETE", f"{API}/executions/{second}").status_code == 202
    eventually(lambda: client.status(second) == "terminated")


def test_the_portal_dies_and_is_found_again(zoe: StandaloneZoe, client: Client) -> None:
    browser = zoe.administrator()
    browser.open("/services/zoe/")  # logs in at the portal as well
    running = client.launch("sleep 4712", "running")
    eventually(lambda: client.status(running) == "running")

    zoe.kill("portal")
    assert client.call("GET", f"{API}/info").status_code in (502, 503)
    zoe.start_part("portal")

    assert client.status(running) == "running"
    assert zoe.output_of("hub").count("Zoe is ready at") == 1  # the Hub has not noticed


def test_the_master_dies_and_what_runs_goes_on(zoe: StandaloneZoe, client: Client) -> None:
    running = client.launch("sleep 4713", "running")
    eventually(lambda: client.status(running) == "running")
    [process] = [each for each in instances("4713") if each.name() == "sleep"]

    zoe.kill("master")
    waiting = client.launch("sleep 4714", "waiting")
    assert client.status(waiting) == "submitted"
    assert is_running(process)
    zoe.start_part("master")

    eventually(lambda: client.status(waiting) == "queued")
    assert client.status(running) == "running"
    zoe.stop_part("master")  # in order: as at an upgrade
    assert is_running(process)
    zoe.start_part("master")
    assert client.status(running) == "running"
    assert is_running(process)


def test_a_second_master_waits_and_takes_over(zoe: StandaloneZoe, client: Client) -> None:
    first = zoe.processes.pop("master")
    zoe.start_part("master", wait=False)
    try:
        eventually(lambda: "another master is acting" in zoe.output_of("master"))
    finally:
        first.kill()
        first.wait()
    done = client.launch("true", "done")
    eventually(lambda: client.status(done) == "terminated")


def test_the_secrets_are_in_files_that_only_we_can_read(zoe: StandaloneZoe, client: Client) -> None:
    token = zoe.directory / "portal-token"
    assert token.stat().st_mode & 0o777 == 0o600
    secrets = [token.read_text(), (zoe.directory / "portal-secret").read_text()]
    for part in ("hub", "portal", "master"):
        line = " ".join(psutil.Process(zoe.pid(part)).cmdline())
        assert not [each for each in secrets if each in line + zoe.output_of(part)]


@pytest.mark.parametrize(
    ("program", "settings", "said"),
    [
        ("zoe-portal", {}, "ZOE_STANDALONE=1 needs ZOE_DATABASE_URL"),
        ("zoe-master", {}, "No database is named: set ZOE_DATABASE_URL"),
        ("jupyterhub", {"ZOE_STANDALONE": "1"}, "ZOE_STANDALONE=1 needs ZOE_DATABASE_URL"),
        ("zoe-portal", {"ZOE_DATABASE_URL": "junk"}, "ZOE_DATABASE_URL is no address of a"),
        ("zoe-master", {"ZOE_DATABASE_URL": "junk"}, "ZOE_DATABASE_URL .* is no address of a"),
        ("zoe-portal", {"ZOE_CONFIG": "/nothing.py"}, "there is no file ZOE_CONFIG=/nothing.py"),
        ("zoe-master", {"ZOE_CONFIG": "/nothing.py"}, "there is no file ZOE_CONFIG=/nothing.py"),
    ],
)
def test_what_cannot_start_says_so_in_one_line(
    tmp_path: Path, program: str, settings: dict[str, str], said: str
) -> None:
    command = [str(Path(sys.executable).with_name(program))]
    if program == "jupyterhub":
        command += ["-f", str(ROOT / "jupyterhub_config.py")]
    environment = {"PATH": "/usr/bin:/bin", "ZOE_DIR": str(tmp_path / "zoe"), **settings}
    result = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    output = result.stdout + result.stderr
    assert output.count("\n") == 1, output
    assert re.search(said, output), output


def test_a_taken_port_of_the_portal_is_one_line(tmp_path: Path) -> None:
    port = free_ports_in_a_row(4)
    environment = {
        "PATH": "/usr/bin:/bin",
        "ZOE_DIR": str(tmp_path / "zoe"),
        "ZOE_PORT": str(port),
        "ZOE_DATABASE_URL": f"postgresql://zoe@/zoe?host={tmp_path}",
    }
    with socket.create_server(("127.0.0.1", port + 3)):
        result = subprocess.run(
            [Path(sys.executable).with_name("zoe-portal")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert result.returncode == 1
    assert "Address already in use" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_broken_configuration_is_not_passed_over(tmp_path: Path) -> None:
    config = tmp_path / "config.py"
    config.write_text("c.ZoeMaster.policy = nonsense\n")
    for program in ("zoe-master", "zoe-portal"):
        result = subprocess.run(
            [Path(sys.executable).with_name(program)],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "ZOE_CONFIG": str(config)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == 1
        assert f"{config} cannot be used: NameError: name 'nonsense'" in result.stderr
        assert "Traceback" not in result.stderr
