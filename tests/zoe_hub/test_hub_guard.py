"""The Hub's session is usable, or known not to be, before a request touches it."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import PendingRollbackError, SQLAlchemyError
from sqlalchemy.orm import Session

from tests.support.waiting import eventually
from zoe_hub.hub_guard import SessionGuard
from zoe_store import driver
from zoe_store.embedded import EmbeddedPostgres


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
def session(server: EmbeddedPostgres) -> Iterator[Session]:
    engine = sa.create_engine(server.url("hub"), connect_args=driver.connect_arguments())
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
    guard = SessionGuard()
    session.execute(sa.text("CREATE TABLE t (n int PRIMARY KEY)"))
    restart(server)
    with pytest.raises(SQLAlchemyError):
        session.execute(sa.text("SELECT 1"))
    with pytest.raises(PendingRollbackError):
        session.execute(sa.text("SELECT 1"))
    eventually(lambda: guard.make_ready(session))
    session.execute(sa.text("CREATE TABLE t (n int PRIMARY KEY)"))
    session.commit()


def test_what_is_under_way_is_left_alone(session: Session) -> None:
    session.execute(sa.text("CREATE TABLE t (n int)"))
    assert SessionGuard().make_ready(session)
    session.execute(sa.text("INSERT INTO t VALUES (1)"))
    assert SessionGuard().make_ready(session)
    session.commit()
    assert session.scalar(sa.text("SELECT count(*) FROM t")) == 1


def test_a_database_that_hangs_is_not_asked_at_every_request(
    server: EmbeddedPostgres, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver.BoundedConnection, "patience", 0.3)
    monkeypatch.setattr("zoe_hub.hub_guard._SLOW", 0.1)
    guard = SessionGuard()
    assert guard.make_ready(session)
    assert server.pid is not None
    postmaster = psutil.Process(server.pid)
    stopped = [postmaster, *postmaster.children()]
    for process in stopped:
        process.suspend()
    try:
        assert not guard.make_ready(session)
        asked: list[str] = []
        monkeypatch.setattr(session, "execute", asked.append)
        assert not guard.make_ready(session)
        assert asked == []
    finally:
        for process in stopped:
            process.resume()
