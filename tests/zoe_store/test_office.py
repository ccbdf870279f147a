"""One master acts: the lock, and the epoch that outlasts it."""

import select
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, event, text

from tests.support.builders import START
from tests.support.masters import end_the_lock
from tests.support.submissions import submit
from tests.support.waiting import eventually
from zoe_core.scheduling import Advance
from zoe_store import master
from zoe_store.cluster import master_record
from zoe_store.database import Database, DatabaseAway, DatabaseBusy
from zoe_store.office import Office, OutOfOffice


@pytest.fixture
def other(database_url: str) -> Iterator[Office]:
    """A second master, on connections of its own."""
    database = Database(database_url)
    office = Office(database)
    yield office
    office.leave()
    database.close()


def listen_to_the_end(office: Office) -> None:
    """Until nothing more can be read."""
    while select.select([office], [], [], 30)[0]:
        office.listen()


def beating(office: Office) -> Callable[[], None]:
    """One thing that only the acting master may do."""
    return lambda: master.heartbeat(office)


def test_a_second_master_cannot_take_it(office: Office, other: Office) -> None:
    assert not other.try_take()
    office.require()
    office.listen()
    office.confirm()


def test_each_master_has_a_higher_epoch_of_the_same_deployment(
    database: Database, office: Office, other: Office
) -> None:
    office.leave()
    assert other.try_take()
    assert (other.epoch, other.deployment) == (office.epoch + 1, office.deployment)
    assert master_record(database).epoch == other.epoch


def test_who_is_not_in_office_may_not_write(database: Database) -> None:
    office = Office(database)
    beat = beating(office)
    for act in (office.require, office.fileno, office.listen, office.confirm, beat):
        with pytest.raises(OutOfOffice, match="not in office"):
            act()
    assert office.try_take()
    beat()
    office.leave()
    with pytest.raises(OutOfOffice, match="not in office"):
        beat()


def test_the_end_of_the_locks_connection_shows_on_its_socket(
    database: Database, office: Office
) -> None:
    assert select.select([office], [], [], 0)[0] == []
    end_the_lock(database)
    with pytest.raises(OutOfOffice, match="the connection that holds the master's lock has ended"):
        listen_to_the_end(office)
    for act in (office.require, beating(office)):
        with pytest.raises(OutOfOffice, match="has ended"):
            act()


def test_a_lock_that_postgres_does_not_know_of_is_not_ours(
    database: Database, office: Office
) -> None:
    """As when the other end of the connection has vanished without a word."""
    office.confirm()
    end_the_lock(database)

    def told() -> bool:
        with pytest.raises(OutOfOffice, match="has given the master's lock back"):
            office.confirm()
        return True

    eventually(told)
    with pytest.raises(OutOfOffice, match="has given the master's lock back"):
        office.require()


def test_who_took_office_again_may_act(database: Database, office: Office) -> None:
    end_the_lock(database)
    eventually(lambda: select.select([office], [], [], 0)[0])
    office.leave()
    assert office.try_take()
    master.heartbeat(office)
    assert office.epoch == 2


def test_who_could_not_take_it_keeps_nobody_from_it(
    database_url: str, database: Database, other: Office
) -> None:
    """The lock was got, and then the epoch could not be written."""
    hurried = Database(f"{database_url}&options=-c%20lock_timeout%3D100")
    with database.transaction() as connection:
        connection.execute(text("select from deployment for update"))
        with pytest.raises(DatabaseBusy, match="lock timeout"):
            Office(hurried).try_take()
    eventually(other.try_take)
    hurried.close()


Act = Callable[[Office, int], object]

WRITES: list[Act] = [
    lambda office, _: master.heartbeat(office),
    lambda office, _: master.write_advance(office, Advance(), [], START),
    lambda office, _: master.write_nodes(office, [], START),
    lambda office, _: master.write_strangers(office, [], START),
]
READS: list[Act] = [
    lambda office, _: master.load_live(office),
    lambda office, _: master.read_news(office),
    lambda office, one: master.secrets_of(office, one),
    lambda office, one: master.statuses_of(office, [one]),
]
ACTS = [*WRITES, *READS]


@pytest.mark.parametrize(("acts", "durable"), [(WRITES, True), (READS, False)])
def test_only_what_writes_has_to_reach_the_disk(
    database: Database, office: Office, acts: list[Act], durable: bool
) -> None:
    one = submit(database)
    assigned: list[bool] = []

    def note(connection: Connection) -> None:
        query = text("select pg_current_xact_id_if_assigned() is not null")
        assigned.append(bool(connection.scalar(query)))

    event.listen(database.engine, "commit", note)
    for act in acts:
        act(office, one)
    assert assigned == [durable] * len(acts)


def test_a_master_that_was_replaced_cannot_do_anything(
    database: Database, office: Office, other: Office
) -> None:
    one = submit(database)
    for act in ACTS:
        act(office, one)
    end_the_lock(database)
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
