"""Hostile ZApps through a whole Zoe on a real engine, all at once: each contained or refused.

Each ends, or is refused, for a reason that a person understands, while Zoe answers others.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.integration.docker.hostile import (
    LOG_LIMIT,
    PIDS_LIMIT,
    REFUSED,
    Attack,
    add_hostile_image,
    attack,
    attacks,
    description,
)
from tests.support.container_zoe import API, ContainerZoe, Person, container_zoe
from tests.support.docker_engine import running_engine
from tests.support.survivors import family
from tests.support.waiting import eventually
from zoe_master.backends.docker.containers import LOG_FILE_BYTES, LOG_FILES

pytestmark = pytest.mark.timeout(240)

ENDED = ("terminated", "error")
SETTINGS = f"""
c.DockerBackend.pids_limit = {PIDS_LIMIT}
c.DockerBackend.log_limit = {LOG_LIMIT}
c.ZoeMaster.stop_grace = 2.0
c.ZoeMaster.relist_interval = 2.0
"""
VICTIM = attack(
    "echo s3cr3t > secret; while :; do echo hello | nc -l -p 7000; done",
    service={"ports": [{"name": "page", "port_number": 7000}]},
)
NAMES = tuple(attacks("main-0-1", "192.0.2.1"))


@dataclass
class Battle:
    """All attacks on one Zoe, and what came of them."""

    zoe: ContainerZoe
    alice: Person
    mallory: Person
    victim: int
    running: dict[str, int] = field(default_factory=dict)
    logs: dict[str, httpx.Response] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    """The statuses of the answers that alice got meanwhile; 0 for none in time."""
    on_disk: int | None = None
    """Bytes that the engine kept of the flood; None when its files cannot be seen here."""

    def document(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.mallory.json("GET", f"{API}/executions/{self.running[name]}")
        return found

    def read_log(self, name: str) -> httpx.Response:
        instance = self.document(name)["instances"][-1]["name"]
        path = f"{API}/executions/{self.running[name]}/instances/{instance}/logs"
        return self.mallory.client.get(path)

    def fight(self, chosen: dict[str, Attack]) -> None:
        """Start all at once, end those that do not end, and wait for the end of all."""
        self.running = {name: launch(self.mallory, each) for name, each in chosen.items()}
        left = dict(chosen)

        def over() -> bool:
            for name, each in list(left.items()):
                if self._is_over(name, each):
                    del left[name]
            return not left

        eventually(over, 150, lambda: f"the end of {[self.document(name) for name in left]}")

    def _is_over(self, name: str, chosen: Attack) -> bool:
        status = self.document(name)["status"]
        if status in ENDED:
            self.logs[name] = self.read_log(name)
        elif status == "running" and chosen.until and chosen.until in self.read_log(name).text:
            if name == "flood" and not self._has_flooded(name):
                return False
            self.mallory.json("DELETE", f"{API}/executions/{self.running[name]}")
        return status in ENDED

    def _has_flooded(self, name: str) -> bool:
        """Whether so much was written that the engine has begun another file."""
        self.on_disk = self._kept_by_engine(name)
        return self.on_disk is None or self.on_disk > LOG_FILE_BYTES

    def _kept_by_engine(self, name: str) -> int | None:
        (container,) = self.zoe.containers(self.running[name]).values()
        root = Path(self.zoe.engine.client.info()["DockerRootDir"], "containers", container.id)
        files = list((root / "local-logs").glob("*"))
        return sum(each.stat().st_size for each in files) if files else None


def launch(person: Person, chosen: Attack) -> int:
    body = {"description": description(**chosen.fields) | chosen.more}
    return int(person.json("POST", f"{API}/executions", json=body)["id"])


@pytest.fixture(scope="module")
def battle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Battle]:
    engine = running_engine()
    add_hostile_image(engine)
    directory = tmp_path_factory.mktemp("hostile") / "zoe"
    with (
        container_zoe(directory, more=SETTINGS) as zoe,
        zoe.person("alice") as alice,
        zoe.person("mallory") as mallory,
    ):
        victim = launch(alice, VICTIM)
        battle = Battle(zoe, alice, mallory, victim)
        battle.fight({"prepare": attack("ln -s /etc way; ln -s / root")})
        eventually(lambda: running(alice, victim), message=zoe.output)
        (container,) = zoe.containers(victim).values()
        (network,) = container.attrs["NetworkSettings"]["Networks"].values()
        with asking(alice, battle.answers):
            battle.fight(attacks(f"main-0-{victim}", network["IPAddress"]))
        yield battle


def running(person: Person, execution_id: int) -> bool:
    found = person.json("GET", f"{API}/executions/{execution_id}")
    return bool(found["status"] == "running")


@contextmanager
def asking(person: Person, answers: list[int]) -> Iterator[None]:
    """Somebody else looks at her executions all the time; she waits ten seconds for an answer."""
    stopping = threading.Event()

    def ask() -> None:
        while not stopping.wait(0.2):
            try:
                answers.append(person.client.get(f"{API}/executions", timeout=10).status_code)
            except httpx.HTTPError:
                answers.append(0)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_and_told_why(battle: Battle, name: str) -> None:
    refused = REFUSED[name]
    body = {"description": description(**refused.fields)}
    answer = battle.mallory.client.post(f"{API}/executions", json=body)
    assert answer.status_code == refused.status, answer.text
    assert refused.says in answer.json()["detail"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_contained_and_ends_for_a_reason(battle: Battle, name: str) -> None:
    chosen = attacks(f"main-0-{battle.victim}", "192.0.2.1")[name]
    document, log = battle.document(name), battle.logs[name].content.decode(errors="replace")
    reasons = [document["reason"], *(each["detail"] or "" for each in document["instances"])]
    assert document["status"] == chosen.status, document
    assert re.search(chosen.reason, " ".join(reasons)), reasons
    for each in chosen.prints:
        assert re.search(each, log, re.MULTILINE), (each, log)
    for each in chosen.hides:
        assert not re.search(each, log, re.MULTILINE), (each, log)


def test_what_fails_again_and_again_does_so_as_often_as_it_may(battle: Battle) -> None:
    instances = battle.document("fails again and again")["instances"]
    assert max(each["attempt"] for each in instances) == 4


def test_others_were_answered_all_the_time(battle: Battle) -> None:
    assert set(battle.answers) == {200}


def test_a_flood_is_bounded_also_on_the_disk_of_the_engine(battle: Battle) -> None:
    kept = len(battle.logs["flood"].content)
    assert LOG_LIMIT <= kept < LOG_LIMIT + 1000
    if battle.on_disk is None:
        pytest.skip("the files of the engine cannot be seen here")
    assert LOG_FILE_BYTES < battle.on_disk <= LOG_FILES * LOG_FILE_BYTES + 2**20


def test_output_is_shown_as_text_and_nothing_else(battle: Battle) -> None:
    headers = battle.logs["terminal"].headers
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"


def test_nothing_of_the_machine_was_touched(battle: Battle) -> None:
    assert not Path("/etc/zoe-was-here").exists()
    workspace = battle.zoe.directory / "workspaces" / "mallory"
    assert workspace.is_dir()
    assert not workspace.is_symlink()
    assert workspace.stat().st_uid == workspace.stat().st_gid == 1000


def test_containers_reach_hub_and_portal_and_nothing_else_of_zoe(battle: Battle) -> None:
    assert battle.zoe.process is not None
    places = {
        connection.laddr
        for member in family(battle.zoe.process.pid)
        for connection in member.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    ports = json.loads((battle.zoe.directory / "ports.json").read_text())
    reached = {place.port for place in places if not place.ip.startswith("127.")}
    assert reached == {ports["hub"], ports["portal"]}


def test_the_victim_has_its_name_and_its_secret(battle: Battle) -> None:
    assert running(battle.alice, battle.victim)
    (container,) = battle.zoe.containers(battle.victim).values()
    (network,) = container.attrs["NetworkSettings"]["Networks"].values()
    # From its own network it is reached: so what others do not reach is there.
    script = f"nslookup main-0-{battle.victim}; nc -w 5 main-0-{battle.victim} 7000; cat secret"
    _, said = container.exec_run(["sh", "-c", script])
    assert network["IPAddress"].encode() in said
    assert said.endswith(b"hello\ns3cr3t\n")


def test_nothing_remains_of_what_has_ended(battle: Battle) -> None:
    of_the_victim = f"-{battle.victim}"

    def others() -> list[str]:
        return [
            each
            for each in battle.zoe.left_behind()
            if not each.removesuffix("-main-0-1").endswith(of_the_victim)
        ]

    eventually(lambda: not others(), message=lambda: f"{others()} go")
    records = battle.zoe.directory / "docker" / "instances"
    eventually(lambda: len(list(records.iterdir())) == 1)
