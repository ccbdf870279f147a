"""Group commit: one transaction for those who wait, and each gets its own answer."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select, text

from tests.support.submissions import request
from tests.support.waiting import eventually, eventually_async
from zoe_store import executions, migrate
from zoe_store.database import Database, DatabaseAway, DatabaseBusy
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.events import lock_events, read_events
from zoe_store.submissions import IdempotencyMismatch, NewExecution, ServerExists, Submitted
from zoe_store.submitter import BATCH, Submitter
from zoe_store.tables import executions as table


@pytest.fixture
async def submitter(database: Database) -> AsyncIterator[Submitter]:
    submitter = Submitter(database)
    yield submitter
    await submitter.close()


@asynccontextmanager
async def first_in_flight(database: Database, submitter: Submitter) -> AsyncIterator[None]:
    """One submission is under way until the block ends; what comes meanwhile has to wait."""
    with database.transaction() as connection:
        lock_events(connection)
        first = asyncio.create_task(submitter.submit(request()))
        await eventually_async(lambda: waits_for_lock(database))
        yield
    await asyncio.gather(first, return_exceptions=True)


def waits_for_lock(database: Database) -> bool:
    waiting = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
    with database.transaction() as connection:
        return connection.scalar(waiting) == 1


async def hand_in(submitter: Submitter, *requests: NewExecution) -> list[asyncio.Task[Submitted]]:
    """Submit each in a task of its own, in this order; returns when all of them wait."""
    handed_in = [asyncio.create_task(submitter.submit(each)) for each in requests]
    await asyncio.sleep(0)
    return handed_in


async def ended(tasks: Sequence[asyncio.Task[Submitted]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def transactions(database: Database) -> int:
    """In how many transactions the executions were stored."""
    with database.transaction() as connection:
        return connection.scalar(select(func.count(text("distinct xmin::text"))).select_from(table))


def count_all(database: Database) -> int:
    with database.transaction() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


async def test_a_single_submission_is_stored_at_once(
    database: Database, submitter: Submitter
) -> None:
    record, is_new = await submitter.submit(request(secrets={"TOKEN": "x"}))
    assert is_new
    assert executions.get(database, record.id) == record
    (event,) = read_events(database, after=0)
    assert (event.execution_id, event.kind) == (record.id, "submitted")


async def test_those_who_wait_share_a_transaction(database: Database, submitter: Submitter) -> None:
    async with first_in_flight(database, submitter):
        waiting = await hand_in(submitter, *(request(name=f"n{each}") for each in range(20)))
    records = [(await each)[0] for each in waiting]
    assert [executions.get(database, each.id) for each in records] == records
    assert [each.name for each in records] == [f"n{each}" for each in range(20)]
    assert transactions(database) == 2
    events = read_events(database, after=0)
    assert [each.execution_id for each in events] == sorted(each.execution_id for each in events)
    assert len(events) == 21


async def test_each_in_a_batch_gets_its_own_answer(
    database: Database, submitter: Submitter
) -> None:
    async with first_in_flight(database, submitter):
        tasks = await hand_in(
            submitter,
            request(idempotency_key="k", fingerprint="f"),
            request(idempotency_key="k", fingerprint="f", name="again"),
            request(idempotency_key="k", fingerprint="g"),
            request(idempotency_key="k", fingerprint="g", user="bob"),
            request(server_name="lab"),
            request(server_name="lab", secrets={"TOKEN": "x"}),
        )
    await ended(tasks)
    first, again, other_body, other_user, server, second_server = tasks
    assert first.result()[1]
    assert again.result() == (first.result()[0], False)
    assert isinstance(other_body.exception(), IdempotencyMismatch)
    assert other_user.result()[1]
    refusal = second_server.exception()
    assert isinstance(refusal, ServerExists)
    assert refusal.execution_id == server.result()[0].id
    assert (count_all(database), transactions(database)) == (4, 2)


async def test_one_that_cannot_be_stored_does_not_harm_the_others(
    database: Database, submitter: Submitter
) -> None:
    async with first_in_flight(database, submitter):
        tasks = await hand_in(
            submitter, request(), request(parameters={"no text": "\0"}), request()
        )
    await ended(tasks)
    good, bad, fine = tasks
    assert good.result()[1]
    assert fine.result()[1]
    assert "unsupported Unicode escape" in str(bad.exception())
    assert count_all(database) == 3


async def test_too_many_are_refused_at_once(database: Database) -> None:
    submitter = Submitter(database, waiting=2)
    async with first_in_flight(database, submitter):
        waiting = await hand_in(submitter, request(), request())
        with pytest.raises(DatabaseBusy, match="2 submissions wait"):
            await submitter.submit(request())
    assert all([(await each)[1] for each in waiting])
    assert (await submitter.submit(request()))[1]
    await submitter.close()


async def test_closing_stores_what_waits(database: Database) -> None:
    submitter = Submitter(database)
    async with first_in_flight(database, submitter):
        waiting = await hand_in(submitter, request(), request())
        closing = asyncio.create_task(submitter.close())
    await closing
    assert count_all(database) == 3
    assert all(each.result()[1] for each in waiting)
    with pytest.raises(RuntimeError):
        await submitter.submit(request())


async def test_more_than_one_batch_is_stored(database: Database, submitter: Submitter) -> None:
    async with first_in_flight(database, submitter):
        waiting = await hand_in(submitter, *(request() for _ in range(BATCH + 1)))
    assert len({(await each)[0].id for each in waiting}) == BATCH + 1
    assert transactions(database) == 3


@pytest.mark.parametrize("under_way", [False, True])
async def test_who_gives_up_harms_nobody(
    database: Database, submitter: Submitter, under_way: bool
) -> None:
    """In time, nothing is stored of it; while it is being stored, only the answer is lost."""
    async with first_in_flight(database, submitter):
        given_up, kept = await hand_in(submitter, request(name="given up"), request(name="kept"))
        if not under_way:
            given_up.cancel()
    if under_way:
        given_up.cancel()
    await ended([given_up])
    assert (await kept)[0].name == "kept"
    assert (await submitter.submit(request()))[1]
    if not under_way:
        assert not executions.find(database, name="given up")


# --- without Postgres ---


def kill(server: EmbeddedPostgres) -> None:
    """Kill -9 of the postmaster and all its children."""
    assert server.pid is not None
    postmaster = psutil.Process(server.pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    for each in family:
        os.kill(each.pid, signal.SIGKILL)


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


async def test_what_was_acknowledged_survives_a_kill_of_postgres(
    own_postgres: EmbeddedPostgres,
) -> None:
    database = Database(own_postgres.url("zoe"))
    submitter = Submitter(database)
    acknowledged: list[int] = []
    lost = count()

    async def submit_until_it_fails() -> None:
        while True:
            try:
                record, _ = await submitter.submit(request())
            except DatabaseAway:
                next(lost)
                return
            acknowledged.append(record.id)

    clients = [asyncio.create_task(submit_until_it_fails()) for _ in range(8)]
    await eventually_async(lambda: len(acknowledged) > 50)
    kill(own_postgres)
    await asyncio.gather(*clients)
    eventually(own_postgres.revive)
    eventually(lambda: answers(database))
    with database.transaction() as connection:
        kept = set(connection.scalars(select(table.c.id)))
    assert set(acknowledged) <= kept
    assert next(lost) == 8
    assert (await submitter.submit(request()))[1]
    await submitter.close()
    database.close()


async def test_a_connection_lost_while_committing_leaves_it_open_and_the_key_tells(
    database: Database, submitter: Submitter
) -> None:
    keyed = [request(idempotency_key=f"k{each}", fingerprint="f") for each in range(3)]
    with database.transaction() as connection:
        connection.execute(text(LOSE_CONNECTION_AT_COMMIT))
    async with first_in_flight(database, submitter):
        waiting = await hand_in(submitter, *keyed)
    await ended(waiting)
    errors = [each.exception() for each in waiting]
    assert all(isinstance(each, DatabaseAway) for each in errors)
    assert len({id(each) for each in errors}) == 3  # each is raised in a place of its own
    assert len({str(each) for each in errors}) == 1
    with database.transaction() as connection:
        connection.execute(text("drop trigger lose_connection on events"))
    answers = [await submitter.submit(each) for each in keyed]
    assert len({record.id for record, _ in answers}) == 3
    again = [await submitter.submit(each) for each in keyed]
    assert again == [(record, False) for record, _ in answers]


LOSE_CONNECTION_AT_COMMIT = """
create function lose_connection() returns trigger language plpgsql as
    $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
create constraint trigger lose_connection after insert on events
    deferrable initially deferred for each row execute function lose_connection();
"""
