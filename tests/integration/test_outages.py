"""Postgres, the scheduler or room on the disk is away: it is said, and all goes on by itself."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import text

from tests.support.disks import fill, mounted_disk
from tests.support.running_zoe import ROOT, RunningZoe
from tests.support.waiting import eventually
from zoe_store.database import Database
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.migrate import revisions

pytestmark = pytest.mark.timeout(300)

API = "/services/zoe/api/v1"
CONFIG = f"""
exec(open({str(ROOT / "jupyterhub_config.py")!r}).read())
c.ProcessBackend.environments = {{"test": {{}}}}
"""


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningZoe]:
    with RunningZoe(tmp_path_factory.mktemp("outages") / "zoe", CONFIG) as zoe:
        yield zoe


@pytest.fixture(scope="module")
def client(zoe: RunningZoe) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {zoe.administrator().make_token()}"}
    with httpx.Client(base_url=zoe.url, headers=headers, timeout=60) as client:
        yield client


def description(command: str) -> dict[str, Any]:
    service = {
        "name": "main",
        "image": "test",
        "monitor": True,
        "total_count": 1,
        "essential_count": 1,
        "command": command,
        "resources": {"memory": {"min": 32 * 2**20}, "cores": {"min": 0.01}},
    }
    return {"version": 4, "name": "job", "will_end": True, "services": [service]}


def launch(client: httpx.Client, command: str) -> int:
    answer = client.post(f"{API}/executions", json={"description": description(command)})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def status(client: httpx.Client, execution_id: int) -> str:
    answer = client.get(f"{API}/executions/{execution_id}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["status"])


def child(zoe: RunningZoe, program: str) -> psutil.Process:
    """The child of the Hub whose command names `program`."""
    assert zoe.process is not None
    for each in psutil.Process(zoe.process.pid).children():
        try:
            if program in " ".join(each.cmdline()):
                return each
        except psutil.Error:
            continue
    raise AssertionError(f"{program} does not run")


def postgres(zoe: RunningZoe) -> psutil.Process:
    return child(zoe, "bin/postgres")


class Traffic:
    """Requests that go on for as long as the block: what they were answered, by kind."""

    def __init__(self, client: httpx.Client) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.acknowledged: list[int] = []
        self.strange: list[str] = []
        self._client = client
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send_for_ever, args=(what,))
            for what in (self._read, self._launch, self._ask_hub)
        ]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send_for_ever(self, what: Callable[[], httpx.Response]) -> None:
        while not self._stop.is_set():
            answer = what()
            self.answers[what.__name__, answer.status_code] += 1
            if not _is_expected(answer):
                self.strange.append(
                    f"{what.__name__}: {answer.status_code} {answer.headers} {answer.text[:300]}"
                )

    def _read(self) -> httpx.Response:
        return self._client.get(f"{API}/executions")

    def _launch(self) -> httpx.Response:
        answer = self._client.post(f"{API}/executions", json={"description": description("true")})
        if answer.status_code == 201:
            self.acknowledged.append(answer.json()["id"])
        return answer

    def _ask_hub(self) -> httpx.Response:
        return self._client.get("/hub/api/user")

    def served(self) -> bool:
        """Whether each kind of request has been answered well since the last question."""
        good = {what for (what, code) in self.answers if code < 300}
        if len(good) == len(self._threads):
            self.answers.clear()
            return True
        return False


def _is_expected(answer: httpx.Response) -> bool:
    if answer.status_code == 503:
        seconds = answer.headers.get("Retry-After", "")
        return seconds.isdecimal() and int(seconds) >= 1
    return answer.status_code in (200, 201)


def test_postgres_is_killed_again_and_again(zoe: RunningZoe, client: httpx.Client) -> None:
    running = launch(client, "sleep 4720")
    eventually(lambda: status(client, running) == "running")
    with Traffic(client) as traffic:
        for _ in range(4):
            eventually(traffic.served, timeout=60)
            before = postgres(zoe)
            before.kill()
            eventually(lambda before=before: postgres(zoe).pid != before.pid, timeout=60)
            traffic.answers.clear()  # the old one may have given some of them
        eventually(traffic.served, timeout=60)
    assert traffic.strange == []
    assert status(client, running) == "running"
    for execution_id in traffic.acknowledged:
        eventually(lambda each=execution_id: status(client, each) == "terminated", timeout=60)
    # The Hub, whose database it is too, lets people in without having been started anew.
    assert zoe.administrator().name() == "admin"
    assert client.delete(f"{API}/executions/{running}").status_code == 202


@contextmanager
def hanging(zoe: RunningZoe) -> Iterator[None]:
    """All processes of Postgres stand still."""
    postmaster = postgres(zoe)
    stopped = [postmaster, *postmaster.children()]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            process.resume()


def test_postgres_hangs(zoe: RunningZoe, client: httpx.Client) -> None:
    running = launch(client, "sleep 4721")
    eventually(lambda: status(client, running) == "running")
    with hanging(zoe):
        for _ in range(2):
            answer = client.post(f"{API}/executions", json={"description": description("true")})
            assert answer.status_code == 503, answer.text
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert int(answer.headers["Retry-After"]) >= 1
        assert client.get(f"{API}/executions").status_code == 503
    eventually(lambda: client.get(f"{API}/executions").status_code == 200, timeout=60)
    assert status(client, running) == "running"
    done = launch(client, "true")
    eventually(lambda: status(client, done) == "terminated", timeout=60)
    assert zoe.administrator().name() == "admin"
    assert client.delete(f"{API}/executions/{running}").status_code == 202


class Stream:
    """Reads the events of an execution for as long as its one connection holds."""

    def __init__(self, client: httpx.Client, execution_id: int) -> None:
        self.ids: list[int] = []
        self.kinds: list[str] = []
        self.ended = threading.Event()
        self._url = f"{API}/executions/{execution_id}/events"
        self._client = client
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with self._client.stream("GET", self._url) as answer:
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    self.ids.append(int(value))
                elif name == "event":
                    self.kinds.append(value)
        self.ended.set()


def test_a_stream_stays_open_and_goes_on_without_gap_or_repeat(
    zoe: RunningZoe, client: httpx.Client, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    running = launch(client, f"sh -c 'until test -e {flag}; do sleep 0.05; done'")
    eventually(lambda: status(client, running) == "running")
    stream = Stream(client, running)
    eventually(lambda: stream.ids)
    before = postgres(zoe)
    before.kill()
    eventually(lambda: postgres(zoe).pid != before.pid, timeout=60)
    assert not stream.ended.is_set()

    flag.write_text("")

    assert stream.ended.wait(60), stream.kinds
    assert stream.kinds[-1] == "end"
    assert stream.ids == sorted(set(stream.ids))
    again = Stream(client, running)
    assert again.ended.wait(60)
    assert stream.ids == again.ids


@contextmanager
def without_master(zoe: RunningZoe, client: httpx.Client) -> Iterator[None]:
    """It hangs: killed, it would be there again in a second."""
    master = child(zoe, "zoe_master.app:main")
    master.suspend()
    try:
        eventually(lambda: scheduler(client)["status"] == "away")
        yield
    finally:
        master.resume()
        eventually(lambda: scheduler(client)["status"] == "running")


def scheduler(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{API}/info").json()["scheduler"]
    return found


def test_while_the_scheduler_is_away_rest_answers_and_says_since_when(
    zoe: RunningZoe, client: httpx.Client
) -> None:
    running = launch(client, "sleep 4722")
    eventually(lambda: status(client, running) == "running")
    with without_master(zoe, client):
        seen = scheduler(client)["seen_at"]
        waiting = launch(client, "true")
        [reason] = client.get(f"{API}/executions/{waiting}").json()["waiting"]["reasons"]
        since = seen[:19].replace("T", " ")
        assert reason == (
            f"The scheduler is away since {since} UTC. Executions start when it is back."
        )
        queue = client.get(f"{API}/queue").json()
        assert queue["scheduler"] == {"status": "away", "seen_at": seen}
        assert [(each["execution_id"], each["position"]) for each in queue["items"]] == [
            (waiting, None)
        ]
        listed = client.get(f"{API}/executions").json()["items"]
        assert {each["id"] for each in listed} >= {running, waiting}
        assert client.delete(f"{API}/executions/{running}").status_code == 202
        page = zoe.administrator().open("/services/zoe/")
        assert page.status_code in (200, 302)
    eventually(lambda: status(client, running) == "terminated")
    eventually(lambda: status(client, waiting) == "terminated")
    assert client.get(f"{API}/queue").json()["scheduler"]["status"] == "running"


# --- at the start ---


def start_in_vain(zoe: RunningZoe) -> str:
    """Start a Hub that cannot run, and return the one line that it says."""
    assert zoe.start().wait(90) == 1
    output = zoe.output()
    assert output.count("\n") == 1, output
    return output


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    zoe = RunningZoe(tmp_path / "zoe")
    zoe.directory.mkdir(mode=0o700)
    with EmbeddedPostgres(zoe.directory / "postgres") as server:
        _execute(
            server,
            "CREATE TABLE alembic_version (version_num varchar(32))",
            "INSERT INTO alembic_version VALUES ('9999')",
        )
    said = start_in_vain(zoe)
    assert said == (
        "Zoe cannot start: the database has the schema 9999, made by a newer version of Zoe than "
        f"this one ({revisions()[0]}): install that version, or restore a backup\n"
    )


def test_an_older_schema_of_a_site_is_refused(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        zoe = _SiteZoe(tmp_path / "zoe", server.url("zoe"))
        assert start_in_vain(zoe) == (
            "Zoe cannot start: the database has no Zoe schema yet: "
            "run python -m zoe_store.migrate\n"
        )


def test_a_database_of_a_site_is_waited_for(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    zoe = _SiteZoe(tmp_path / "zoe", server.url("zoe"))
    process = zoe.start()
    try:
        eventually(lambda: "Zoe waits for its database: " in zoe.output())
        assert process.poll() is None
        with server:  # it comes, without a schema
            assert process.wait(60) == 1
    finally:
        process.kill()
        process.wait()
    assert "the database has no Zoe schema yet" in zoe.output()


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with mounted_disk(tmp_path / "disk", megabytes=300) as disk:
        filler = fill(disk, leave=30 * 2**20)
        zoe = RunningZoe(disk / "zoe")
        zoe.log = tmp_path / "zoe.log"
        assert "the disk of" in start_in_vain(zoe)
        filler.unlink()
        shutil.rmtree(disk / "zoe")
        with zoe:
            assert json.loads(httpx.get(f"{zoe.url}/hub/api/").text)["version"]


class _SiteZoe(RunningZoe):
    """One with a database of the site."""

    def __init__(self, directory: Path, url: str) -> None:
        super().__init__(directory)
        self._url = url

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "ZOE_DATABASE_URL": self._url}


def _execute(server: EmbeddedPostgres, *statements: str) -> None:
    database = Database(server.url("zoe"))
    with database.transaction() as connection:
        for statement in statements:
            connection.execute(text(statement))
    database.close()
