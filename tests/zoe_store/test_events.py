"""The event log: in order, whoever writes."""

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.support.builders import START
from tests.support.submissions import submit
from zoe_store import executions
from zoe_store.database import Database
from zoe_store.events import NewEvent, append_events, lock_events, newest_event, read_events
from zoe_store.tables import intents


def append(database: Database, execution_id: int, *kinds: str) -> int:
    new = [NewEvent(execution_id, kind, {"about": kind}) for kind in kinds]
    with database.transaction() as connection:
        lock_events(connection)
        return append_events(connection, new, START)


def test_nothing_yet(database: Database) -> None:
    assert newest_event(database) == 0
    assert read_events(database, after=0) == []


def test_events_are_read_after_an_id_oldest_first(database: Database) -> None:
    one = submit(database)
    first = newest_event(database)
    newest = append(database, one, "a", "b", "c")
    assert newest == newest_event(database)
    found = read_events(database, after=first)
    assert [(each.kind, each.data, each.at) for each in found] == [
        (kind, {"about": kind}, START) for kind in "abc"
    ]
    assert [each.kind for each in read_events(database, after=first, limit=2)] == ["a", "b"]
    assert read_events(database, after=newest) == []


def test_appending_nothing(database: Database) -> None:
    assert append(database, submit(database)) == 0


def test_events_of_one_execution_and_of_one_user(database: Database) -> None:
    mine, other, hers = submit(database), submit(database), submit(database, user="bob")
    for each in (hers, mine, other, mine):
        append(database, each, "told")

    def owners(**filters: object) -> list[int]:
        return [each.execution_id for each in read_events(database, after=0, **filters)]

    assert owners(execution_id=mine) == [mine, mine, mine]
    assert owners(user="alice") == [mine, other, mine, other, mine]
    assert owners(user="bob") == [hers, hers]
    assert owners(user="nobody") == []


def test_a_reader_misses_nothing_of_concurrent_writers(database: Database) -> None:
    ids = [submit(database) for _ in range(4)]
    start = newest_event(database)
    done = threading.Event()
    seen: list[tuple[int, str]] = []

    def read() -> None:
        after, last_look = start, False
        while True:
            found = read_events(database, after=after, limit=7)
            assert [each.id for each in found] == sorted(each.id for each in found)
            seen.extend((each.execution_id, each.kind) for each in found)
            if found:
                after = found[-1].id
            elif last_look:
                return
            else:
                last_look = done.is_set()

    def write(execution_id: int) -> list[tuple[int, str]]:
        kinds = [f"{number}.{part}" for number in range(25) for part in range(2)]
        for number in range(25):
            append(database, execution_id, f"{number}.0", f"{number}.1")
        return [(execution_id, kind) for kind in kinds]

    with ThreadPoolExecutor(5) as threads:
        reader = threads.submit(read)
        written = list(threads.map(write, ids))
        done.set()
        reader.result()
    assert len(seen) == len(set(seen)) == 4 * 50
    for mine in written:
        assert [each for each in seen if each[0] == mine[0][0]] == mine


# --- wishes ---


def test_the_wish_to_end_is_recorded_once(database: Database) -> None:
    one = submit(database)
    assert executions.request_termination(database, one, "alice", "Enough.", START)
    assert not executions.request_termination(database, one, "bob", "Again.", START)
    (event,) = read_events(database, after=0, execution_id=one)[1:]
    assert (event.kind, event.data) == ("terminate_requested", {"by": "alice"})
    with database.transaction() as connection:
        (wish,) = connection.execute(intents.select()).all()
    assert (wish.execution_id, wish.kind, wish.by_user) == (one, "terminate", "alice")
    assert (wish.arguments, wish.handled_at) == ({"reason": "Enough."}, None)


def test_of_concurrent_wishes_one_is_recorded(database: Database) -> None:
    one = submit(database)
    with ThreadPoolExecutor(8) as threads:
        results = list(
            threads.map(
                lambda _: executions.request_termination(database, one, "alice", "Enough.", START),
                range(16),
            )
        )
    assert results.count(True) == 1


def test_nothing_is_wished_of_what_is_unknown_or_has_ended(database: Database) -> None:
    one = submit(database)
    with database.transaction() as connection:
        table = executions.executions
        connection.execute(table.update().values(status="error"))
    assert not executions.request_termination(database, one, "alice", "Enough.", START)
    assert not executions.request_termination(database, one + 1, "alice", "Enough.", START)
