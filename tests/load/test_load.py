"""Many people at once, in a size for every test run; benchmarks/portal.py has the real one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually
from zoe_hub import permissions

PROGRAMS = ROOT / "benchmarks" / "support"
API = "/services/zoe/api/v1"
PEOPLE = [f"user{number}" for number in range(40)]
SPAWNING = PEOPLE[:20]

# The node has room for two notebooks of the gallery.
LITTLE_ROOM = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.FakeBackend.node_count = 1
c.FakeBackend.node_memory = 1100 * 2**20
"""

SHORT = {
    "name": "short",
    "version": 4,
    "services": [
        {
            "name": "job",
            "image": "any",
            "monitor": True,
            "total_count": 1,
            "essential_count": 1,
            "resources": {"memory": {"min": 2**26}, "cores": {"min": 0.1}},
            "command": "sleep 0.2",
        }
    ],
}


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningZoe]:
    zoe = RunningZoe(tmp_path_factory.mktemp("load") / "zoe", LITTLE_ROOM)
    zoe.extra_environment = {"ZOE_BACKEND": "fake"}
    with zoe:
        yield zoe


@pytest.fixture(scope="module")
def admin(zoe: RunningZoe) -> Iterator[httpx.Client]:
    """The administrator by her token; all people are there, and may launch what they like."""
    token = zoe.administrator().make_token()
    headers = {"Authorization": f"token {token}"}
    with httpx.Client(base_url=zoe.url, headers=headers, timeout=30) as admin:
        ask(admin, "POST", "/hub/api/users", {"usernames": PEOPLE})
        ask(admin, "POST", f"/hub/api/groups/{permissions.POWER_GROUP}/users", {"users": PEOPLE})
        yield admin


def ask(admin: httpx.Client, method: str, path: str, body: Any = None) -> Any:
    answer = admin.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def run(program: str, order: dict[str, Any]) -> Any:
    """Run a program of the benchmarks, in a process of its own."""
    done = subprocess.run(
        [sys.executable, PROGRAMS / program],
        input=json.dumps(order),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def states(admin: httpx.Client) -> Counter[str]:
    """How many notebooks are in each state."""
    path = f"{API}/executions?user=*&limit=200"
    items = ask(admin, "GET", path)["items"]
    return Counter(each["status"] for each in items if each["zapp"] == "jupyter")


def servers(admin: httpx.Client) -> list[dict[str, Any]]:
    """All servers that the Hub knows."""
    people = ask(admin, "GET", "/hub/api/users?state=active&limit=100")
    return [server for each in people for server in each["servers"].values()]


def test_every_stream_tells_of_every_launch(zoe: RunningZoe, admin: httpx.Client) -> None:
    scopes = {"scopes": [permissions.ACCESS, "custom:zoe:launch-own"]}
    paths = [f"/hub/api/users/{name}/tokens" for name in PEOPLE]
    order = {
        "url": zoe.url,
        "api": API,
        "tokens": [ask(admin, "POST", path, scopes)["token"] for path in paths],
        "body": {"description": SHORT},
        "rate": 10,
        "seconds": 10,
        "streams": True,
    }
    found = run("portal_load.py", order)
    assert (found["problems"], found["examples"]) == (0, [])
    assert (found["launched"], found["untold"]) == (100, 0)


def test_servers_that_all_start_at_once_wait_and_none_fails(
    zoe: RunningZoe, admin: httpx.Client
) -> None:
    paths = [f"/hub/api/users/{name}/server" for name in SPAWNING]
    order = {
        "url": zoe.url,
        "token": admin.headers["Authorization"].removeprefix("token "),
        "paths": paths,
    }
    started = run("all_at_once.py", {**order, "method": "POST"})
    assert {each["status"] for each in started} <= {201, 202}, started
    eventually(lambda: states(admin) == {"running": 2, "queued": 18}, timeout=60)
    # Those that run are fakes, which never answer.
    assert Counter(each["pending"] for each in servers(admin)) == {"spawn": 20}

    stopped = run("all_at_once.py", {**order, "method": "DELETE"})
    assert {each["status"] for each in stopped} <= {202, 204}, stopped
    eventually(lambda: states(admin) == {"terminated": 20}, timeout=60)
    eventually(lambda: servers(admin) == [], timeout=60)
