"""What is said when Postgres is away, busy, full or hangs; and that nobody waits for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg2
import pytest
import sqlalchemy as sa

from tests.support.disks import fill, mounted_disk
from tests.support.waiting import eventually
from zoe_store import driver
from zoe_store.database import (
    Database,
    DatabaseAway,
    DatabaseBusy,
    DatabaseFull,
    durability_doubts,
)
from zoe_store.embedded import EmbeddedPostgres, EmbeddedPostgresError
from zoe_store.urls import InvalidUrl


def run(database: Database, statement: str) -> object:
    with database.transaction() as connection:
        result = connection.execute(sa.text(statement))
        return result.scalar() if result.returns_rows else None


def answers(database: Database) -> bool:
    try:
        return run(database, "SELECT 1") == 1
    except DatabaseAway:
        return False


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver.BoundedConnection, "patience", 0.5)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, to be treated badly."""
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
def own(server: EmbeddedPostgres) -> Iterator[Database]:
    database = Database(server.url("zoe"))
    yield database
    database.close()


def processes(server: EmbeddedPostgres) -> list[psutil.Process]:
    assert server.pid is not None
    postmaster = psutil.Process(server.pid)
    return [postmaster, *postmaster.children(recursive=True)]


def test_every_connection_is_durable_whatever_the_server_says(
    own: Database, server: EmbeddedPostgres
) -> None:
    run(own, "ALTER DATABASE zoe SET synchronous_commit = off")
    own.close()
    assert run(own, "SHOW synchronous_commit") == "on"
    assert run(own, "SHOW statement_timeout") == "8s"
    assert run(own, "SHOW idle_in_transaction_session_timeout") == "5s"


def test_options_of_the_address_are_kept(own: Database, server: EmbeddedPostgres) -> None:
    database = Database(server.url("zoe") + "&options=-c%20search_path%3Dspecial")
    assert run(database, "SHOW search_path") == "special"
    assert run(database, "SHOW synchronous_commit") == "on"
    database.close()


def test_a_peer_that_vanished_is_noticed_by_both_ends() -> None:
    arguments = driver.connect_arguments()
    seen_after = arguments["keepalives_idle"] + (
        arguments["keepalives_interval"] * arguments["keepalives_count"]
    )
    assert seen_after <= 10
    assert arguments["tcp_user_timeout"] <= 10_000
    with socket.socket() as probe:  # the kernel takes them
        probe.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 10_000)
    for setting in ("tcp_keepalives_idle=5", "tcp_keepalives_count=2", "tcp_user_timeout=10000"):
        assert f"-c {setting}" in arguments["options"]


def test_a_server_that_accepts_and_says_nothing_is_away(short_patience: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        database = Database(f"postgresql://zoe@127.0.0.1:{mute.getsockname()[1]}/zoe")
        with pytest.raises(DatabaseAway, match=r"no answer within 0\.5 seconds"):
            run(database, "SELECT 1")


def test_nobody_listens(tmp_path: Path) -> None:
    database = Database(f"postgresql://zoe@/zoe?host={tmp_path}")
    with pytest.raises(DatabaseAway, match="No such file or directory") as away:
        run(database, "SELECT 1")
    assert "\n" not in str(away.value)


@pytest.mark.parametrize("url", ["", "junk", "sqlite:///x"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InvalidUrl, match="give one such as postgresql://user@host/zoe"):
        Database(url)


def test_a_hang_holds_one_thread_at_a_time_and_ends(
    own: Database, server: EmbeddedPostgres, short_patience: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoe_store.database.ANSWER_WITHIN", 0.5)
    assert answers(own)
    stopped = processes(server)
    for process in stopped:
        process.suspend()
    try:
        assert not answers(own)
        with ThreadPoolExecutor(8) as pool:
            said = list(pool.map(lambda _: _complaint(own), range(8)))
    finally:
        for process in stopped:
            process.resume()
    # One of them found out that it still hangs, the others were not made to wait for that.
    assert sorted(set(said)) == ["it does not answer", "no answer within 0.5 seconds"]
    eventually(lambda: answers(own))


def _complaint(database: Database) -> str:
    with pytest.raises(DatabaseAway) as away:
        run(database, "SELECT 1")
    return str(away.value)


def test_a_statement_that_takes_too_long_is_ended_by_the_server(
    own: Database, server: EmbeddedPostgres
) -> None:
    with own.transaction() as connection:
        connection.execute(sa.text("SET LOCAL statement_timeout = '50ms'"))
        with pytest.raises(sa.exc.OperationalError):
            connection.execute(sa.text("SELECT pg_sleep(10)"))
        connection.rollback()
    run(own, "ALTER ROLE zoe SET lock_timeout = '50ms'")
    own.close()
    with own.transaction() as holder:
        holder.execute(sa.text("SELECT pg_advisory_xact_lock(1)"))
        with pytest.raises(DatabaseBusy, match="lock timeout"):
            run(own, "SELECT pg_advisory_xact_lock(1)")


def test_a_process_that_was_stopped_in_the_middle_gives_its_locks_back(own: Database) -> None:
    """The server ends its session; it finds out when it goes on."""
    holding, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with own.transaction() as connection:
            connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(1)"))
            holding.set()
            go_on.wait()
            connection.execute(sa.text("SELECT 1"))

    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(hold)
        assert holding.wait(10)
        run(own, "SELECT pg_advisory_xact_lock(1)")
        go_on.set()
        with pytest.raises(DatabaseAway):
            stopped.result()


@pytest.mark.parametrize("role", ["ada", "zoe"])
def test_too_many_connections_is_busy(own: Database, server: EmbeddedPostgres, role: str) -> None:
    run(own, "CREATE ROLE ada LOGIN")
    run(own, "ALTER ROLE ada CONNECTION LIMIT 0")
    url = server.url("zoe").replace("zoe@", f"{role}@")
    held: list[psycopg2.extensions.connection] = []
    if role == "zoe":  # all that there are
        limit = 300
        for _ in range(limit):
            try:
                held.append(psycopg2.connect(host=str(server._data), user="zoe", dbname="zoe"))
            except psycopg2.OperationalError:
                break
        assert len(held) < limit
    other = Database(url)
    with pytest.raises(DatabaseBusy, match="too many"):
        run(other, "SELECT 1")
    other.close()
    for connection in held:
        connection.close()


def test_other_errors_stay_errors(own: Database) -> None:
    with pytest.raises(sa.exc.ProgrammingError):
        run(own, "SELECT nonsense")
    with pytest.raises(sa.exc.DataError):
        run(own, "SELECT 1/0")


def test_what_a_standby_refuses_may_work_later(own: Database) -> None:
    run(own, "ALTER DATABASE zoe SET default_transaction_read_only = on")
    own.close()
    with pytest.raises(DatabaseAway, match="read-only"):
        run(own, "CREATE TABLE t (n int)")
    assert answers(own)


def test_settings_that_lose_what_was_acknowledged_are_named(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        database = Database(server.url("zoe"))
        with database.transaction() as connection:
            assert durability_doubts(connection) == []
            connection.execute(sa.text("SET LOCAL synchronous_commit = off"))
            [doubt] = durability_doubts(connection)
        database.close()
    assert doubt.startswith("Postgres runs with synchronous_commit=off: what was acknowledged may")


# --- a full disk ---


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 MB, which only root can make."""
    with mounted_disk(tmp_path / "disk", megabytes=200) as disk:
        yield disk


def _until_full(database: Database) -> DatabaseAway:
    for _ in range(10_000):
        try:
            run(database, "INSERT INTO t SELECT n, repeat('x', 500) FROM generate_series(1, 500) n")
        except DatabaseAway as error:
            return error
    raise AssertionError("the disk is not full")


def test_a_full_disk_is_said_reading_goes_on_and_room_mends_it(small_disk: Path) -> None:
    with EmbeddedPostgres(small_disk / "postgres") as server:
        database = Database(server.url("zoe"))
        run(database, "CREATE TABLE t (n int, v text)")
        run(database, "INSERT INTO t VALUES (1, 'kept')")
        # Postgres writes its log ahead into files that it has already.
        filler = fill(small_disk, leave=2**20)
        assert type(_until_full(database)) is DatabaseFull
        assert run(database, "SELECT v FROM t WHERE n = 1 LIMIT 1") == "kept"
        filler.unlink()
        run(database, "INSERT INTO t VALUES (2, 'new')")
        database.close()


@pytest.mark.parametrize("before", [lambda _: None, lambda place: _start_once(place)])
def test_a_server_does_not_start_on_a_full_disk(
    small_disk: Path, before: Callable[[Path], None]
) -> None:
    before(small_disk / "postgres")
    filler = fill(small_disk, leave=10 * 2**20)
    with pytest.raises(EmbeddedPostgresError, match=r"the disk of .* is full: \d+ MB are left"):
        EmbeddedPostgres(small_disk / "postgres").start()
    filler.unlink()
    _start_once(small_disk / "postgres")


def _start_once(place: Path) -> None:
    with EmbeddedPostgres(place):
        pass


def test_what_postgres_itself_says_of_a_full_disk_is_one_line(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoe_store.embedded._ROOM", 0)
    fill(small_disk, leave=10 * 2**20)
    with pytest.raises(EmbeddedPostgresError, match=r"initdb failed: .*No space left") as full:
        EmbeddedPostgres(small_disk / "postgres").start()
    assert "\n" not in str(full.value)
    assert not (small_disk / "postgres" / "data.new").exists()


def test_killed_again_and_again_it_is_there_again(server: EmbeddedPostgres, own: Database) -> None:
    for _ in range(5):
        assert server.pid is not None
        psutil.Process(server.pid).kill()
        eventually(server.revive)
    eventually(lambda: answers(own))
