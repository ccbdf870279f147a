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
