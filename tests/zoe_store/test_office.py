"""One master acts: the lock, and the epoch that outlasts it."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from tests.support.builders import START
from tests.support.submissions import submit
from tests.support.waiting import eventually
from zoe_core.scheduling import Advance
from zoe_store import master
from zoe_store.cluster import master_record
from zoe_store.database import Database, DatabaseAway
from zoe_store.master import Office, OutOfOffice


@pytest.fixture
def other(database_url: str) -> Iterator[Office]:
    """A second master, on connections of its own."""
    database = Database(database_url)
    office = Office(database)
    yield office
    office.leave()
    database.close()


def cut_the_locks_connection(database: Database) -> None:
    """Postgres ends the connection that holds the lock, as a failing network would."""
    with database.transaction() as connection:
        ended = connection.execute(
            text("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")
        ).all()
    assert len(ended) == 1


def test_a_second_master_cannot_take_it(office: Office, other: Office) -> None:
    assert not other.try_take()
    assert not other.try_take()
    office.check()


def test_each_master_has_a_higher_epoch_of_the_same_deployment(
    database: Database, office: Office, other: Office
) -> None:
    office.leave()
    assert other.try_take()
    assert (other.epoch, other.deployment) == (office.epoch + 1, office.deployment)
    assert master_record(database).epoch == other.epoch


def test_who_is_not_in_office_may_not_write(database: Database) -> None:
    office = Office(database)
    for act in (office.check, lambda: master.heartbeat(office)):
        with pytest.raises(OutOfOffice, match=r"not in office|lock is gone"):
            act()
    assert office.try_take()
    master.heartbeat(office)
    office.leave()
    with pytest.raises(OutOfOffice, match="not in office"):
        master.heartbeat(office)


def test_a_master_whose_lock_is_gone_is_told_at_the_next_check(
    database: Database, office: Office
) -> None:
    cut_the_locks_connection(database)
    with pytest.raises(OutOfOffice, match="the connection that holds the master's lock is gone"):
        office.check()
    office.leave()


ACTS: list[Callable[[Office, int], object]] = [
    lambda office, _: master.heartbeat(office),
    lambda office, _: master.write_advance(office, Advance(), [], START),
    lambda office, _: master.write_nodes(office, [], START),
    lambda office, _: master.load_live(office),
    lambda office, _: master.read_news(office),
    lambda office, one: master.secrets_of(office, one),
    lambda office, one: master.statuses_of(office, [one]),
]


def test_a_master_that_was_replaced_cannot_do_anything(
    database: Database, office: Office, other: Office
) -> None:
    one = submit(database)
    for act in ACTS:
        act(office, one)
    cut_the_locks_connection(database)
    eventually(other.try_take)
    for act in ACTS:
        with pytest.raises(OutOfOffice, match=f"taken over from epoch {office.epoch}"):
            act(office, one)


def test_the_database_is_away() -> None:
    away = Database("postgresql+psycopg2://nobody@/none?host=/nowhere")
    with pytest.raises(DatabaseAway):
        Office(away).try_take()
    with pytest.raises(DatabaseAway):
        master_record(away)
    away.close()
