"""Submissions: idempotent, one live server of a name, all or nothing."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from tests.support.builders import START
from tests.support.submissions import request, store, submit
from zoe_core.cluster import ExecutionStatus
from zoe_store import executions
from zoe_store.database import Database
from zoe_store.events import read_events
from zoe_store.submissions import IdempotencyMismatch, NewExecution, ServerExists
from zoe_store.tables import executions as table
from zoe_store.tables import launch_secrets


def count(database: Database, of: object = table) -> int:
    with database.transaction() as connection:
        return connection.scalar(select(func.count()).select_from(of)) or 0


def end(database: Database, execution_id: int) -> None:
    with database.transaction() as connection:
        connection.execute(
            table.update().where(table.c.id == execution_id).values(status="terminated")
        )


def test_what_was_submitted_is_read(database: Database) -> None:
    new = request(zapp="spark-job", parameters={"workers": 2}, server_name="", name="Pi")
    record, is_new = store(database, new, START)
    assert is_new
    assert executions.get(database, record.id) == record
    assert (record.user, record.name, record.zapp) == ("alice", "Pi", "spark-job")
    assert (record.description, record.parameters) == (new.description, {"workers": 2})
    assert (record.status, record.final) == (ExecutionStatus.SUBMITTED, False)
    assert record.submitted_at == START
    assert executions.get(database, record.id + 1) is None


def test_a_submission_is_told(database: Database) -> None:
    execution_id = submit(database)
    (event,) = read_events(database, after=0)
    assert (event.execution_id, event.kind, event.at) == (execution_id, "submitted", START)


def test_secrets_do_not_stand_in_any_representation(database: Database) -> None:
    new = request(secrets={"JUPYTERHUB_API_TOKEN": "s3cr3t"})
    record, _ = store(database, new, START)
    assert "s3cr3t" not in repr(new) + repr(record) + repr(read_events(database, after=0))
    with database.transaction() as connection:
        assert connection.scalar(select(launch_secrets.c.environment)) == new.secrets


# --- idempotency ---


def keyed(**fields: str) -> NewExecution:
    return request(**({"idempotency_key": "k", "fingerprint": "f"} | fields))


def test_the_same_key_gives_the_same_execution(database: Database) -> None:
    first, _ = store(database, keyed(), START)
    assert store(database, keyed(name="other"), START) == (first, False)
    assert len(read_events(database, after=0)) == 1


def test_the_same_key_with_another_fingerprint_is_refused(database: Database) -> None:
    store(database, keyed(), START)
    with pytest.raises(IdempotencyMismatch):
        store(database, keyed(fingerprint="other"), START)
    assert count(database) == 1


def test_keys_belong_to_their_user_and_none_is_no_key(database: Database) -> None:
    ids = {submit(database, user=user, idempotency_key="k") for user in ("alice", "bob")}
    ids |= {submit(database), submit(database)}
    assert len(ids) == 4


def test_a_key_stays_known_after_the_end(database: Database) -> None:
    first, _ = store(database, keyed(), START)
    end(database, first.id)
    record, is_new = store(database, keyed(), START)
    assert (record.id, is_new, record.final) == (first.id, False, True)


def test_of_concurrent_submissions_with_one_key_one_is_new(database: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: store(database, keyed(), START), range(16)))
    assert len({record.id for record, _ in results}) == 1
    assert [is_new for _, is_new in results].count(True) == 1
    assert count(database) == 1


# --- servers ---


def test_a_second_live_server_of_a_name_is_refused(database: Database) -> None:
    first = submit(database, server_name="")
    with pytest.raises(ServerExists) as refusal:
        submit(database, server_name="", secrets={"TOKEN": "x"})
    assert refusal.value.execution_id == first
    assert count(database) == 1
    assert count(database, launch_secrets) == 0


def test_other_names_other_users_and_plain_executions_do_not_matter(database: Database) -> None:
    submit(database, server_name="")
    submit(database, server_name="second")
    submit(database, server_name="", user="bob")
    submit(database)
    submit(database)
    assert count(database) == 5


def test_the_name_is_free_again_after_the_end(database: Database) -> None:
    first = submit(database, server_name="")
    found = executions.live_server(database, "alice", "")
    assert found is not None
    assert found.id == first
    end(database, first)
    assert executions.live_server(database, "alice", "") is None
    assert submit(database, server_name="") != first


def test_of_concurrent_servers_of_a_name_one_is_stored(database: Database) -> None:
    def attempt(_: int) -> int | None:
        try:
            return submit(database, server_name="")
        except ServerExists:
            return None

    with ThreadPoolExecutor(8) as threads:
        ids = [each for each in threads.map(attempt, range(16)) if each is not None]
    assert len(ids) == 1
    assert count(database) == 1
