"""Group commit: one transaction for those who wait, and each gets its own answer."""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select, text

from tests.support.submissions import request
from tests.support.waiting import eventually
from zoe_store import executions, migrate
from zoe_store.database import Database, DatabaseAway, DatabaseBusy
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.events import lock_events, read_events
from zoe_store.submissions import IdempotencyMismatch, NewExecution, ServerExists, Submitted
from zoe_store.submitter import Submitter
from zoe_store.tables import executions as table


@pytest.fixture
def submitter(database: Database) -> Iterator[Submitter]:
    submitter = Submitter(database)
    yield submitter
    submitter.close()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as threads:
        yield threads


@contextmanager
def first_in_flight(
    database: Database, submitter: Submitter, threads: ThreadPoolExecutor
) -> Iterator[None]:
    """One submission is under way until the block ends; what comes meanwhile has to wait."""
    with database.transaction() as connection:
        lock_events(connection)
        threads.submit(submitter.submit, request())
        eventually(lambda: waits_for_lock(database))
        yield


def waits_for_lock(database: Database) -> bool:
    waiting = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
    with database.transaction() as connection:
        return connection.scalar(waiting) == 1


def hand_in(
    submitter: Submitter, threads: ThreadPoolExecutor, *requests: NewExecution
) -> list[Future[Submitted]]:
    """Submit each in a thread of its own, in this order; returns when all of them wait."""
    handed_in = []
    for each in requests:
        before = len(submitter._waiting)
        handed_in.append(threads.submit(submitter.submit, each))
        eventually(lambda before=before: len(submitter._waiting) > before)
    return handed_in


def transactions(database: Database) -> int:
    """In how many transactions the executions were stored."""
    with database.transaction() as connection:
        return connection.scalar(select(func.count(text("distinct xmin::text"))).select_from(table))


def count_all(database: Database) -> int:
    with database.transaction() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_a_single_submission_is_stored_at_once(database: Database, submitter: Submitter) -> None:
    record, is_new = submitter.submit(request(secrets={"TOKEN": "x"}))
    assert is_new
    assert executions.get(database, record.id) == record
    (event,) = read_events(database, after=0)
    assert (event.execution_id, event.kind) == (record.id, "submitted")


def test_those_who_wait_share_a_transaction(
    database: Database, submitter: Submitter, threads: ThreadPoolExecutor
) -> None:
    with first_in_flight(database, submitter, threads):
        waiting = hand_in(submitter, threads, *(request(name=f"n{each}") for each in range(20)))
    records = [each.result()[0] for each in waiting]
    assert [executions.get(database, each.id) for each in records] == records
    assert [each.name for each in records] == [f"n{each}" for each in range(20)]
    assert transactions(database) == 2
    events = read_events(database, after=0)
    assert [each.execution_id for each in events] == sorted(each.execution_id for each in events)
    assert len(events) == 21


def test_each_in_a_batch_gets_its_own_answer(
    database: Database, submitter: Submitter, threads: ThreadPoolExecutor
) -> None:
    with first_in_flight(database, submitter, threads):
        first, again, other_body, other_user, server, second_server = hand_in(
            submitter,
            threads,
            request(idempotency_key="k", fingerprint="f"),
            request(idempotency_key="k", fingerprint="f", name="again"),
            request(idempotency_key="k", fingerprint="g"),
            request(idempotency_key="k", fingerprint="g", user="bob"),
            request(server_name="lab"),
            request(server_name="lab", secrets={"TOKEN": "x"}),
        )
    assert first.result()[1]
    assert again.result() == (first.result()[0], False)
    assert isinstance(other_body.exception(), IdempotencyMismatch)
    assert other_user.result()[1]
    refusal = second_server.exception()
    assert isinstance(refusal, ServerExists)
    assert refusal.execution_id == server.result()[0].id
    assert (count_all(database), transactions(database)) == (4, 2)


def test_one_that_cannot_be_stored_does_not_harm_the_others(
    database: Database, submitter: Submitter, threads: ThreadPoolExecutor
) -> None:
    with first_in_flight(database, submitter, threads):
        good, bad, fine = hand_in(
            submitter, threads, request(), request(parameters={"no text": "\0"}), request()
        )
    assert good.result()[1]
    assert fine.result()[1]
    assert "unsupported Unicode escape" in str(bad.exception())
    assert count_all(database) == 3


def test_too_many_are_refused_at_once(database: Database, threads: ThreadPoolExecutor) -> None:
    submitter = Submitter(database, waiting=2)
    with first_in_flight(database, submitter, threads):
        waiting = hand_in(submitter, threads, request(), request())
        with pytest.raises(DatabaseBusy, match="2 submissions wait"):
            submitter.submit(request())
    assert all(each.result()[1] for each in waiting)
    assert submitter.submit(request())[1]
    submitter.close()


def test_closing_stores_what_waits(database: Database, threads: ThreadPoolExecutor) -> None:
    submitter = Submitter(database)
    with first_in_flight(database, submitter, threads):
        waiting = hand_in(submitter, threads, request(), request())
        closing = threads.submit(submitter.close)
    closing.result()
    assert count_all(database) == 3
    assert all(each.result()[1] for each in waiting)
    with pytest.raises(RuntimeError):
        submitter.submit(request())


# --- from an event loop ---


async def test_many_tasks_submit(database: Database, submitter: Submitter) -> None:
    answers = await asyncio.gather(*(submitter.submit_async(request()) for _ in range(50)))
    assert len({record.id for record, _ in answers}) == 50
    assert count_all(database) == 50


async def test_who_gives_up_in_time_stores_nothing(
    database: Database, submitter: Submitter, threads: ThreadPoolExecutor
) -> None:
    with first_in_flight(database, submitter, threads):
        given_up = asyncio.create_task(submitter.submit_async(request(name="given up")))
        kept = asyncio.create_task(submitter.submit_async(request(name="kept")))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
    assert (await kept)[0].name == "kept"
    assert not executions.find(database, name="given up")


# --- without Postgres ---


def kill_and_revive(server: EmbeddedPostgres, database: Database) -> None:
    """Kill -9 of the postmaster and all its children; returns when a new one answers."""
    assert server.pid is not None
    postmaster = psutil.Process(server.pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    for each in family:
        os.kill(each.pid, signal.SIGKILL)
    eventually(server.revive)
    eventually(lambda: answers(database))


def answers(database: Database) -> bool:
    try:
        with database.transaction():
            return True
    except DatabaseAway:
        return False


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path / "postgres", databases=("zoe",)) as server:
        migrate.upgrade(server.url("zoe"))
        yield server


def test_what_was_acknowledged_survives_a_kill_of_postgres(
    own_postgres: EmbeddedPostgres, threads: ThreadPoolExecutor
) -> None:
    database = Database(own_postgres.url("zoe"))
    submitter = Submitter(database)
    acknowledged: list[int] = []
    lost = count()

    def submit_until_it_fails() -> None:
        while True:
            try:
                acknowledged.append(submitter.submit(request())[0].id)
            except DatabaseAway:
                next(lost)
                return

    clients = [threads.submit(submit_until_it_fails) for _ in range(8)]
    eventually(lambda: len(acknowledged) > 50)
    kill_and_revive(own_postgres, database)
    for each in clients:
        each.result()
    with database.transaction() as connection:
        kept = set(connection.scalars(select(table.c.id)))
    assert set(acknowledged) <= kept
    assert next(lost) == 8
    assert submitter.submit(request())[1]
    submitter.close()
    database.close()


def test_a_connection_lost_while_committing_leaves_it_open_and_the_key_tells(
    database: Database, submitter: Submitter, threads: ThreadPoolExecutor
) -> None:
    keyed = [request(idempotency_key=f"k{each}", fingerprint="f") for each in range(3)]
    with database.transaction() as connection:
        connection.execute(text(LOSE_CONNECTION_AT_COMMIT))
    with first_in_flight(database, submitter, threads):
        waiting = hand_in(submitter, threads, *keyed)
    errors = [each.exception() for each in waiting]
    assert all(isinstance(each, DatabaseAway) for each in errors)
    assert len({id(each) for each in errors}) == 3  # each is raised in a place of its own
    assert len({str(each) for each in errors}) == 1
    with database.transaction() as connection:
        connection.execute(text("drop trigger lose_connection on events"))
    answers = [submitter.submit(each) for each in keyed]
    assert len({record.id for record, _ in answers}) == 3
    assert [submitter.submit(each) for each in keyed] == [(record, False) for record, _ in answers]


LOSE_CONNECTION_AT_COMMIT = """
create function lose_connection() returns trigger language plpgsql as
    $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
create constraint trigger lose_connection after insert on events
    deferrable initially deferred for each row execute function lose_connection();
"""
