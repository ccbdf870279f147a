"""The embedded Postgres: its life follows its owner's, and what it has committed stays."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from tests.support.survivors import family, survivors
from tests.support.waiting import eventually
from zoe_store import embedded
from zoe_store.driver import BoundedConnection
from zoe_store.embedded import EmbeddedPostgres, EmbeddedPostgresError

_OWNER = """
import sys, time
from pathlib import Path
from zoe_store.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
server.stop()
"""


def _run(server: EmbeddedPostgres, statement: str) -> list[tuple]:
    engine = sa.create_engine(server.url("zoe"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        result = connection.execute(sa.text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that runs the server of `tmp_path`, and the server's pid."""
    command = [sys.executable, "-c", _OWNER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
        process.kill()


def test_two_databases_and_what_was_committed_stays(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        assert _run(server, "SELECT datname FROM pg_database WHERE datname = 'hub'") == [("hub",)]
        _run(server, "CREATE TABLE kept (n int)")
    with EmbeddedPostgres(tmp_path) as server:
        assert _run(server, "SELECT count(*) FROM kept") == [(0,)]


def test_commits_are_durable_and_no_port_is_open(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        assert _run(server, "SHOW fsync") == [("on",)]
        assert _run(server, "SHOW synchronous_commit") == [("on",)]
        assert _run(server, "SHOW full_page_writes") == [("on",)]
        assert server.pid is not None
        assert psutil.Process(server.pid).net_connections("inet") == []


def test_only_the_owner_reaches_the_socket(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path):
        data = tmp_path / "data"
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert stat.S_IMODE((data / ".s.PGSQL.5432").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts Postgres as somebody else")
def test_root_runs_it_unprivileged_below_a_root_only_directory(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "postgres") as server:
        assert server.pid is not None
        process = psutil.Process(server.pid)
        assert process.username() == "zoe-postgres"
        assert 0 not in process.uids()
        assert process.gids().real != 0
        assert _run(server, "SELECT 1") == [(1,)]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_path_too_long_for_a_socket_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(deep) as server:
        assert _run(server, "SELECT 1") == [(1,)]
        link = Path(sa.make_url(server.url("zoe")).query["host"])
        assert link.resolve() == deep / "data"
        assert stat.S_IMODE(link.parent.stat().st_mode) == 0o700
    link.unlink()


def test_characters_of_the_path_are_quoted_in_the_url(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "a b&c=d%41") as server:
        assert _run(server, "SELECT 1") == [(1,)]


def test_when_somebody_owns_it_we_connect_and_do_not_stop_it(
    tmp_path: Path, owner: tuple[subprocess.Popen[str], int]
) -> None:
    process, pid = owner
    with EmbeddedPostgres(tmp_path) as second:
        assert second.pid is None
        assert _run(second, "SELECT 1") == [(1,)]
    assert psutil.pid_exists(pid)
    assert process.poll() is None


def test_a_server_that_hangs_does_not_hold_up_the_start_for_ever(
    tmp_path: Path, owner: tuple[subprocess.Popen[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedConnection, "patience", 0.2)
    monkeypatch.setattr(embedded, "_START_LIMIT", 0.5)
    os.kill(owner[1], signal.SIGSTOP)  # the system still takes connections for it
    try:
        with pytest.raises(EmbeddedPostgresError, match="does not answer; see"):
            EmbeddedPostgres(tmp_path).start()
    finally:
        os.kill(owner[1], signal.SIGCONT)


def test_kill_of_the_owner_leaves_no_server_and_loses_nothing(
    tmp_path: Path, owner: tuple[subprocess.Popen[str], int]
) -> None:
    process, pid = owner
    _run(EmbeddedPostgres(tmp_path), "CREATE TABLE kept (n int)")
    orphans = family(pid)
    process.kill()
    process.wait()
    # At once, while the orphan shuts down: the new owner waits for it.
    with EmbeddedPostgres(tmp_path) as server:
        assert survivors(orphans) == []
        assert _run(server, "SELECT count(*) FROM kept") == [(0,)]


def test_kill_of_everything_is_recovered_even_if_the_pid_is_reused(
    tmp_path: Path, owner: tuple[subprocess.Popen[str], int]
) -> None:
    process, pid = owner
    _run(EmbeddedPostgres(tmp_path), "CREATE TABLE kept (n int)")
    victims = family(pid)
    for victim in victims:  # the server before its owner: no orderly shutdown
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    process.kill()
    process.wait()
    eventually(lambda: not survivors(victims))
    stale = tmp_path / "data" / "postmaster.pid"
    lines = stale.read_text().splitlines()
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with EmbeddedPostgres(tmp_path) as server:
        assert _run(server, "SELECT count(*) FROM kept") == [(0,)]


def test_an_interrupted_initdb_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path) as server:
        assert _run(server, "SELECT 1") == [(1,)]


def test_files_of_another_version_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("9.6\n")
    server = EmbeddedPostgres(tmp_path)
    with pytest.raises(EmbeddedPostgresError, match=r"written by Postgres 9\.6"):
        server.start()
    assert (tmp_path / "data" / "PG_VERSION").read_text() == "9.6\n"


def test_a_broken_configuration_is_told_with_postgres_own_words(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path):
        pass
    (tmp_path / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="contains errors"):
        EmbeddedPostgres(tmp_path).start()


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedPostgresError, match="Not a directory"):
        EmbeddedPostgres(tmp_path / "file" / "postgres").start()


def test_a_thread_may_not_own_it(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            EmbeddedPostgres(tmp_path).start()
        except RuntimeError as error:
            failures.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(failures[0])
