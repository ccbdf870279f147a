"""The program itself: what it does about its database when it starts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.ports import free_ports_in_a_row
from tests.support.waiting import eventually
from zoe_store import migrate
from zoe_store.embedded import EmbeddedPostgres

AWAY = "The database is away; the portal says so until it is back"


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that has run before and does not run now; its database has no schema."""
    server = EmbeddedPostgres(tmp_path / "postgres")
    server.start()
    server.stop()
    yield server
    server.stop()


class Program:
    """A running ``zoe-portal`` that no Hub has started."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, port: int) -> None:
        self.process = process
        self.log = log
        self.port = port

    def said(self, text: str) -> bool:
        return text in self.log.read_text()

    def is_open(self) -> bool:
        try:
            page = f"http://127.0.0.1:{self.port}/services/zoe/static/css/zoe.css"
            return httpx.get(page).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running(directory: Path, database_url: str) -> Iterator[Program]:
    log, port = directory / "portal.log", free_ports_in_a_row(4)
    environment = {
        **os.environ,
        "ZOE_DATABASE_URL": database_url,
        "ZOE_DIR": str(directory / "zoe"),
        "ZOE_PORT": str(port),
    }
    command = [Path(sys.executable).with_name("zoe-portal")]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=directory, env=environment, stdout=output, stderr=output
        ) as process,
    ):
        try:
            yield Program(process, log, port + 3)
        finally:
            process.kill()
    print(log.read_text())  # pytest shows it when the test has failed


def test_a_wrong_schema_is_found_when_the_database_comes_back(
    tmp_path: Path, own_postgres: EmbeddedPostgres
) -> None:
    with running(tmp_path, own_postgres.url("zoe")) as portal:
        eventually(lambda: portal.said(AWAY))
        assert portal.is_open()
        own_postgres.start()
        assert portal.process.wait(30) == 1
    last = portal.log.read_text().splitlines()[-1]
    assert last.endswith("the database has no Zoe schema yet: run python -m zoe_store.migrate")


def test_with_the_right_schema_it_goes_on(tmp_path: Path, own_postgres: EmbeddedPostgres) -> None:
    own_postgres.start()
    migrate.upgrade(own_postgres.url("zoe"))
    own_postgres.stop()
    with running(tmp_path, own_postgres.url("zoe")) as portal:
        eventually(lambda: portal.said(AWAY))
        own_postgres.start()
        eventually(portal.is_open)
        portal.process.terminate()
        assert portal.process.wait(30) == 0


def test_it_can_be_stopped_while_the_database_is_away(
    tmp_path: Path, own_postgres: EmbeddedPostgres
) -> None:
    with running(tmp_path, own_postgres.url("zoe")) as portal:
        eventually(lambda: portal.said(AWAY))
        portal.process.terminate()
        assert portal.process.wait(30) == 0
