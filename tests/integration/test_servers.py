"""Jupyter servers as executions, on a whole Zoe: the queue, the end, and restarts of the Hub."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually

# The node has room for one notebook of the gallery.
ROOM_FOR_ONE = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.ProcessBackend.memory = 700 * 2**20
"""


@pytest.fixture
def zoe(tmp_path: Path) -> Iterator[RunningZoe]:
    with RunningZoe(tmp_path / "zoe", ROOM_FOR_ONE) as zoe:
        yield zoe


@pytest.fixture
def admin(zoe: RunningZoe) -> Iterator[httpx.Client]:
    """The administrator, by her token."""
    token = zoe.administrator().make_token()
    headers = {"Authorization": f"token {token}"}
    with httpx.Client(base_url=zoe.url, headers=headers, timeout=30) as client:
        yield client


def executions(admin: httpx.Client) -> dict[str, dict[str, Any]]:
    """The executions by name."""
    answer = admin.get("/services/zoe/api/v1/executions")
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["items"]}


def servers(admin: httpx.Client) -> dict[str, dict[str, Any]]:
    """The Hub's servers by name."""
    found: dict[str, dict[str, Any]] = admin.get("/hub/api/users/admin").json()["servers"]
    return found


def start(admin: httpx.Client, name: str) -> None:
    assert admin.post(f"/hub/api/users/admin/servers/{name}").status_code in (201, 202)


def is_ready(admin: httpx.Client, name: str) -> bool:
    return bool(servers(admin).get(name, {}).get("ready"))


def progress(admin: httpx.Client, name: str) -> Iterator[dict[str, Any]]:
    """What the spawn page is told, as it comes."""
    with admin.stream("GET", f"/hub/api/users/admin/servers/{name}/progress") as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))


def test_a_server_waits_its_turn_and_says_why(admin: httpx.Client) -> None:
    start(admin, "first")
    eventually(lambda: is_ready(admin, "first"), timeout=60)
    start(admin, "second")
    said = progress(admin, "second")
    waiting = next(event for event in said if "number" in event["message"])
    assert waiting["message"].startswith("You are number 1 in the queue. notebook-0 needs 512 MB")
    document = executions(admin)["second"]
    assert (document["status"], document["waiting"]["position"]) == ("queued", 1)

    # Stopped in the portal, not in the Hub: the Hub hears of it, and the next one gets the room.
    first = executions(admin)["first"]["id"]
    assert admin.delete(f"/services/zoe/api/v1/executions/{first}").status_code == 202
    assert any(event.get("ready") for event in said)
    assert executions(admin)["first"]["status"] == "terminated"
    eventually(lambda: not servers(admin).get("first", {}).get("ready"), timeout=20)
    assert admin.get("/user/admin/second/api/status").status_code == 200


def test_a_waiting_server_can_be_given_up(admin: httpx.Client) -> None:
    start(admin, "first")
    eventually(lambda: is_ready(admin, "first"), timeout=60)
    start(admin, "second")
    eventually(lambda: executions(admin).get("second", {}).get("status") == "queued")
    assert admin.delete("/hub/api/users/admin/servers/second").status_code in (202, 204)
    eventually(lambda: executions(admin)["second"]["status"] == "terminated")
    eventually(lambda: not servers(admin).get("second", {}).get("pending"))
    assert is_ready(admin, "first")


def test_a_server_outlives_a_killed_hub(zoe: RunningZoe, admin: httpx.Client) -> None:
    start(admin, "lab")
    eventually(lambda: is_ready(admin, "lab"), timeout=60)
    before = admin.get("/user/admin/lab/api/status").json()["started"]
    assert zoe.process is not None
    zoe.process.kill()
    zoe.process.wait()
    zoe.start_and_wait()
    eventually(lambda: is_ready(admin, "lab"), timeout=30)
    assert admin.get("/user/admin/lab/api/status").json()["started"] == before
    assert executions(admin)["lab"]["status"] == "running"
    assert admin.delete("/hub/api/users/admin/servers/lab").status_code in (202, 204)
    eventually(lambda: executions(admin)["lab"]["status"] == "terminated")


def test_wrong_options_of_a_server_are_refused_with_what_would_be_right(
    admin: httpx.Client,
) -> None:
    def refusal(**options: object) -> tuple[int, str]:
        answer = admin.post("/hub/api/users/admin/servers/lab", json={"user_options": options})
        return answer.status_code, answer.json()["message"]

    assert refusal(zapp="nope")[0] == 422
    assert "the gallery has" in refusal(zapp="nope")[1]
    assert refusal(zapp="notebook-job") == (
        422,
        "The ZApp notebook-job is no Jupyter server: launch it from the gallery instead.",
    )
    assert refusal(parameters=[1])[0] == 422
    assert refusal(parameters={"x": 1})[0] == 422
    assert refusal(name="../../etc/passwd")[0] == 422
    assert executions(admin) == {}


def test_a_killed_postgres_comes_back(zoe: RunningZoe, admin: httpx.Client) -> None:
    start(admin, "lab")
    eventually(lambda: is_ready(admin, "lab"), timeout=60)
    assert zoe.process is not None
    [victim] = [
        child for child in psutil.Process(zoe.process.pid).children() if child.name() == "postgres"
    ]
    victim.kill()

    def answers() -> bool:
        return admin.get("/services/zoe/api/v1/queue").status_code == 200

    eventually(answers, timeout=60)
    assert executions(admin)["lab"]["status"] == "running"
    assert admin.get("/user/admin/lab/api/status").status_code == 200


@pytest.mark.parametrize("service", ["zoe_master.app:main", "zoe_hub.portal.app:main"])
def test_a_killed_service_comes_back(zoe: RunningZoe, admin: httpx.Client, service: str) -> None:
    start(admin, "lab")
    eventually(lambda: is_ready(admin, "lab"), timeout=60)
    assert zoe.process is not None
    [victim] = [
        child for child in psutil.Process(zoe.process.pid).children() if service in child.cmdline()
    ]
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()

    def answers() -> bool:
        answer = admin.get("/services/zoe/api/v1/queue")
        return answer.status_code == 200

    eventually(answers, timeout=60)
    assert executions(admin)["lab"]["status"] == "running"
    assert admin.get("/user/admin/lab/api/status").status_code == 200


def test_an_orderly_stop_ends_what_runs_and_keeps_what_waits(
    zoe: RunningZoe, admin: httpx.Client
) -> None:
    start(admin, "lab")
    eventually(lambda: is_ready(admin, "lab"), timeout=60)
    waiting = {"zapp": "notebook-job", "name": "patient"}
    assert admin.post("/services/zoe/api/v1/executions", json=waiting).status_code == 201
    eventually(lambda: executions(admin)["patient"]["status"] == "queued")
    assert zoe.stop() == 0
    zoe.start_and_wait()
    assert executions(admin)["lab"]["reason"] == "It was ended because the portal was stopped."
    eventually(lambda: executions(admin)["patient"]["status"] == "terminated", timeout=60)
