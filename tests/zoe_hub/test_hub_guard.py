"""The Hub's session is usable, or known not to be, before a request touches it."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import sqlalchemy as sa
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.services.service import Service
from sqlalchemy.exc import PendingRollbackError, SQLAlchemyError
from sqlalchemy.orm import Session

from tests.support.waiting import eventually
from zoe_hub import hub_guard
from zoe_hub.hub_guard import HubDatabaseAway, SessionGuard
from zoe_store import driver
from zoe_store.embedded import EmbeddedPostgres


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
def session(server: EmbeddedPostgres) -> Iterator[Session]:
    arguments = driver.connect_arguments(may_idle=True)
    engine = sa.create_engine(server.url("hub"), connect_args=arguments)
    with Session(engine) as session:
        yield session
    engine.dispose()


def restart(server: EmbeddedPostgres) -> None:
    assert server.pid is not None
    psutil.Process(server.pid).kill()
    eventually(server.revive)


def test_a_transaction_that_broke_off_does_not_stay_broken(
    server: EmbeddedPostgres, session: Session
) -> None:
    guard = SessionGuard.of(session)
    session.execute(sa.text("CREATE TABLE t (n int PRIMARY KEY)"))
    restart(server)
    with pytest.raises(SQLAlchemyError):
        session.execute(sa.text("SELECT 1"))
    with pytest.raises(PendingRollbackError):
        session.execute(sa.text("SELECT 1"))
    eventually(lambda: guard.make_ready())
    session.execute(sa.text("CREATE TABLE t (n int PRIMARY KEY)"))
    session.commit()


def test_what_is_under_way_is_left_alone(session: Session) -> None:
    session.execute(sa.text("CREATE TABLE t (n int)"))
    assert SessionGuard.of(session).make_ready()
    session.execute(sa.text("INSERT INTO t VALUES (1)"))
    assert SessionGuard.of(session).make_ready()
    session.commit()
    assert session.scalar(sa.text("SELECT count(*) FROM t")) == 1


def test_a_database_that_hangs_is_not_asked_at_every_request(
    server: EmbeddedPostgres, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver.BoundedConnection, "patience", 0.3)
    monkeypatch.setattr("zoe_hub.hub_guard._SLOW", 0.1)
    guard = SessionGuard.of(session)
    assert guard.make_ready()
    assert server.pid is not None
    postmaster = psutil.Process(server.pid)
    stopped = [postmaster, *postmaster.children()]
    for process in stopped:
        process.suspend()
    try:
        assert not guard.make_ready()
        asked: list[str] = []
        monkeypatch.setattr(session, "execute", asked.append)
        assert not guard.make_ready()
        assert asked == []
    finally:
        for process in stopped:
            process.resume()


async def test_who_has_waited_goes_on_when_the_database_is_back(
    server: EmbeddedPostgres, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_guard, "_TRY_AGAIN", 0.01)
    guard = SessionGuard.of(session)
    assert guard.make_ready()
    assert server.pid is not None
    psutil.Process(server.pid).kill()
    eventually(lambda: not guard.make_ready())
    waiting = asyncio.create_task(guard.until_ready())
    await asyncio.sleep(0)  # its first try
    assert not waiting.done()
    eventually(server.revive)
    async with asyncio.timeout(30):
        await waiting
    session.execute(sa.text("CREATE TABLE t (n int)"))
    session.commit()


def broken(session: Session, server: EmbeddedPostgres) -> SQLAlchemyError:
    """What the session says when Postgres has ended its connection."""
    other = sa.create_engine(server.url("hub"))
    own = session.scalar(sa.text("SELECT pg_backend_pid()"))
    session.execute(sa.text("SET idle_in_transaction_session_timeout = 1"))
    with other.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        is_there = sa.text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
        eventually(lambda: connection.scalar(is_there, {"pid": own}) == 0)
    other.dispose()
    with pytest.raises(SQLAlchemyError) as caught:
        session.execute(sa.text("SELECT 1"))
    return caught.value


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Any]]:
    """What guarded handlers hand on to JupyterHub: the status and the error."""
    sent: list[tuple[int, Any]] = []

    def send_error(_: Any, status_code: int, **kwargs: Any) -> None:
        sent.append((status_code, kwargs["exc_info"][1]))

    for name in ("prepare", "get_current_user"):
        monkeypatch.setattr(BaseHandler, name, getattr(BaseHandler, name))
    monkeypatch.setattr(BaseHandler, "send_error", send_error)
    hub_guard._guard_handlers()
    return sent


def fail_with(error: Exception, session: Session) -> None:
    handler: Any = SimpleNamespace(db=session)
    BaseHandler.send_error(handler, 500, exc_info=(type(error), error, None))


def test_a_connection_that_breaks_in_a_handler_is_a_503_that_says_when_to_come_back(
    server: EmbeddedPostgres, session: Session, sent: list[tuple[int, Any]]
) -> None:
    fail_with(broken(session, server), session)
    [(status, error)] = sent
    assert status == 503
    assert isinstance(error, HubDatabaseAway)
    assert int(error.headers["Retry-After"]) >= 1
    assert session.scalar(sa.text("SELECT 1")) == 1  # rolled back


def test_a_mistake_of_a_handler_stays_one(session: Session, sent: list[tuple[int, Any]]) -> None:
    with pytest.raises(SQLAlchemyError) as caught:
        session.execute(sa.text("SELECT * FROM nowhere"))
    fail_with(caught.value, session)
    assert sent == [(500, caught.value)]


async def test_a_service_whose_start_met_a_broken_session_is_tried_again(
    server: EmbeddedPostgres, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int | None] = []

    async def start(service: Any) -> None:
        found.append(service.db.scalar(sa.text("SELECT 1")))
        if len(found) == 1:
            raise broken(session, server)

    monkeypatch.setattr(hub_guard, "_TRY_AGAIN", 0.01)
    monkeypatch.setattr(Service, "start", start)
    hub_guard._guard_services()
    service: Any = SimpleNamespace(db=session, name="zoe", log=logging.getLogger("test"))
    await Service.start(service)
    assert found == [1, 1]


async def test_a_stop_waits_for_the_spawn_that_it_interrupts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A busy Hub takes longer for that than the second that JupyterHub gives it."""
    pending_at_stop = []

    async def stop(handler: Any, user: Any, server_name: str = "") -> None:
        pending_at_stop.append(user.spawners[server_name].pending)

    monkeypatch.setattr(BaseHandler, "stop_single_user", stop)
    hub_guard._guard_stops()
    started, busy = asyncio.Event(), asyncio.Event()
    spawner = SimpleNamespace(pending="spawn", _spawn_future=None)

    async def spawn() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            await busy.wait()
            spawner.pending = None

    spawner._spawn_future = asyncio.create_task(spawn())
    await started.wait()
    spawner._spawn_future.cancel()
    user = SimpleNamespace(spawners={"": spawner})
    stopping = asyncio.create_task(BaseHandler.stop_single_user(None, user))
    await asyncio.wait({stopping}, timeout=0.05)
    assert pending_at_stop == []
    busy.set()
    await stopping
    assert pending_at_stop == [None]


async def test_two_that_stop_a_server_while_it_spawns_wait_for_one_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """JupyterHub itself refuses the second one, as an error of its own."""
    stopped = asyncio.Event()
    spawner = SimpleNamespace(pending="spawn")  # has no _stop_future before its first stop

    async def stop(handler: Any, user: Any, server_name: str = "") -> asyncio.Future[Any]:
        if spawner.pending:
            raise RuntimeError(f"pending {spawner.pending}")
        spawner.pending = "stop"
        spawner._stop_future = asyncio.ensure_future(stopped.wait())
        await asyncio.sleep(0)
        return spawner._stop_future

    async def spawn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            spawner.pending = None

    monkeypatch.setattr(BaseHandler, "stop_single_user", stop)
    hub_guard._guard_stops()
    spawner._spawn_future = asyncio.create_task(spawn())
    await asyncio.sleep(0)  # it has begun
    spawner._spawn_future.cancel()
    user = SimpleNamespace(spawners={"": spawner})
    one, two = await asyncio.gather(*(BaseHandler.stop_single_user(None, user) for _ in range(2)))
    assert one is two is spawner._stop_future
    stopped.set()
    await one
