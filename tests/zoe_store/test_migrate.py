"""From an empty database to this version's schema, and what is said of any other."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from tests.support.submissions import request, store
from zoe_core.cluster import NO_LIMIT
from zoe_store import (
    cluster,
    drains,
    events,
    executions,
    master,
    migrate,
    past,
    predictions,
    quotas,
)
from zoe_store.database import Database
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.office import Office
from zoe_store.tables import deployment, metadata

SCHEMAS = Path(__file__).parent / "schemas"


def administer(postgres: EmbeddedPostgres, *statements: str) -> None:
    admin = Database(postgres.url("postgres"))
    for statement in statements:
        with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    admin.close()


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[Database]:
    administer(postgres, "DROP DATABASE IF EXISTS empty WITH (FORCE)", "CREATE DATABASE empty")
    database = Database(postgres.url("empty"))
    yield database
    database.close()


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def test_a_database_without_schema_says_what_to_do(empty: Database) -> None:
    with pytest.raises(migrate.WrongSchema, match="no Zoe schema yet: run python"):
        migrate.check(empty)


def test_upgrade_from_nothing_and_again(empty: Database) -> None:
    migrate.upgrade(url_of(empty))
    migrate.check(empty)
    with empty.transaction() as connection:
        identity = connection.scalar(deployment.select().with_only_columns(deployment.c.uuid))
    migrate.upgrade(url_of(empty))
    with empty.transaction() as connection:
        rows = connection.execute(deployment.select()).all()
    assert [row.uuid for row in rows] == [identity]
    assert len(identity) == 36


def test_the_migrations_make_the_tables_as_they_are_described(database: Database) -> None:
    with database.transaction() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        (None, "no Zoe schema yet"),
        ("0001", "older schema 0001, this version needs 0007: run python"),
        ("9999", "has the schema 9999, made by a newer version of Zoe"),
    ],
)
def test_another_schema_is_refused(database: Database, revision: str | None, message: str) -> None:
    with database.transaction() as connection:
        connection.execute(text("delete from alembic_version"))
        if revision is not None:
            connection.execute(text("insert into alembic_version values (:it)"), {"it": revision})
    with pytest.raises(migrate.WrongSchema, match=message):
        migrate.check(database)


def test_a_newer_schema_is_not_touched(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(migrate.WrongSchema, match="has the schema 9999, made by a newer version"):
        migrate.upgrade(url_of(database))


def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables but alembic's own."""
    with database.transaction() as connection:
        names = connection.scalars(
            text("select tablename from pg_tables where schemaname = 'public' order by 1")
        )
        return {
            name: [dict(row._mapping) for row in connection.execute(text(f"table {name}"))]
            for name in names
            if name != "alembic_version"
        }


@pytest.mark.parametrize("revision", migrate.revisions())
def test_what_an_older_zoe_stored_stays_and_can_be_read(empty: Database, revision: str) -> None:
    """Each schema that has landed has a data set; a new migration needs one too."""
    data = SCHEMAS / f"{revision}.sql"
    assert data.exists(), f"write {data.name}: rows as a Zoe of that schema stored them"
    migrate.upgrade(url_of(empty), revision)
    with empty.transaction() as connection:
        connection.exec_driver_sql(data.read_text())
    before = rows(empty)
    assert all(before.values()), "the data set fills every table"

    migrate.upgrade(url_of(empty))

    after = rows(empty)
    if revision < "0004":  # their nulls have been put into words: see below
        before.pop("quotas", None)
    for name, old in before.items():
        kept = [{column: new[column] for column in old[0]} for new in after[name]]
        assert kept == old, name
    read_everything(empty)


def test_quotas_of_before_a_default_filled_their_gaps_become_no_tighter(empty: Database) -> None:
    migrate.upgrade(url_of(empty), "0003")
    with empty.transaction() as connection:
        connection.exec_driver_sql((SCHEMAS / "0003.sql").read_text())
    migrate.upgrade(url_of(empty))
    everybody = quotas.list_quotas(empty)
    limits = {each.name: (each.quota.executions, each.quota.runtime_limit) for each in everybody}
    assert limits == {"ada": (10, 86400), "lab": (4, NO_LIMIT), "": (2, 3600)}


def test_what_was_given_up_unseen_in_an_execution_that_has_ended_is_gone(empty: Database) -> None:
    migrate.upgrade(url_of(empty), "0003")
    with empty.transaction() as connection:
        connection.exec_driver_sql((SCHEMAS / "0003.sql").read_text())
        connection.execute(text("update instances set desired = 'absent', observed = 'none'"))
    migrate.upgrade(url_of(empty))
    found = executions.instances_of(empty, [1, 3])
    assert [(each.observed, each.ended_at) for each in found[1]] == [
        ("lost", datetime(2026, 11, 19, 8, 5, tzinfo=UTC))
    ]
    assert [each.observed for each in found[3]] == ["none"], "it has not ended"


def read_everything(database: Database) -> None:
    """Today's functions find it all."""
    ids = range(1, 8)
    found = [executions.get(database, each) for each in ids]
    assert [each.status for each in found if each] == [
        *("terminated", "error", "running", "cleaning_up", "starting", "queued", "submitted")
    ]
    assert [len(each) for each in executions.instances_of(database, ids).values()] == [
        *(1, 0, 1, 2, 1, 0, 0)
    ]
    assert [each.id for each in events.read_events(database, after=0)] == [1, 2, 3, 4, 5]
    assert executions.by_idempotency_key(database, "ada", "key-1") is not None
    assert executions.live_server(database, "ada", "lab") == found[2]
    assert cluster.master_record(database).backend == "process"
    assert [node.name for node in cluster.known_nodes(database)] == ["here", "there"]
    assert set(cluster.reserved_by_node(database)) == {"here", "there"}
    quotas.list_quotas(database)
    drains.drained(database)
    office = Office(database)
    assert office.try_take()
    assert office.epoch == 8
    assert {"notebook-job", "mine"} <= {each.zapp for each in past.recent_runs(office)}
    used = past.past_use(office, datetime(2026, 11, 20, 10, tzinfo=UTC))
    assert {"ada", "bob"} <= set(used.by_user)
    predictions.past_error(office)
    live, instances = master.load_live(office)
    assert sorted(each.id for each in live) == [3, 4, 5, 6]
    assert len(instances) == 5
    news = master.read_news(office)
    assert [each.id for each in news.submitted] == [7]
    assert [each.execution_id for each in news.intents] == [6]
    assert master.secrets_of(office, 3) == {"JUPYTERHUB_API_TOKEN": "not a real one"}
    office.leave()
    record, new = store(database, request(), datetime.now(UTC))
    assert (record.id, new) == (8, True)


def test_another_encoding_is_refused(postgres: EmbeddedPostgres) -> None:
    administer(
        postgres,
        "DROP DATABASE IF EXISTS latin",
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc "
        "TEMPLATE template0",
    )
    with pytest.raises(migrate.WrongSchema, match="the encoding LATIN1, and Zoe needs UTF8"):
        migrate.upgrade(postgres.url("latin"))
    administer(postgres, "DROP DATABASE latin")


def test_a_role_without_rights_is_told_what_it_needs(
    postgres: EmbeddedPostgres, empty: Database
) -> None:
    administer(postgres, "CREATE ROLE guest LOGIN")
    guest = url_of(empty).replace("zoe@", "guest@")
    with pytest.raises(
        migrate.WrongSchema, match=r"role guest may not .*permission denied.*GRANT USAGE, CREATE"
    ):
        migrate.upgrade(guest)
    migrate.upgrade(url_of(empty))
    stranger = Database(guest)
    with pytest.raises(migrate.WrongSchema, match=r"role guest may not .*permission denied"):
        migrate.check(stranger)
    stranger.close()
    administer(postgres, "DROP ROLE guest")


def run_migrate(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zoe_store.migrate", *arguments]
    return subprocess.run(
        command, env={"ZOE_DATABASE_URL": url}, capture_output=True, text=True, check=False
    )


def test_the_command_migrates_the_database_of_the_environment(empty: Database) -> None:
    result = run_migrate(url_of(empty).replace("postgresql+psycopg2:", "postgresql:"))
    assert (result.returncode, result.stderr) == (0, "")
    migrate.check(empty)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "usage: ZOE_DATABASE_URL=postgresql://zoe@db.example.org/zoe python"),
        ("junk", "cannot be migrated: its address is no address of a Postgres database"),
        ("postgresql://ada:secret@127.0.0.1:1/zoe", "cannot be migrated: .*Connection refused"),
    ],
)
def test_the_command_says_in_one_line_what_is_in_the_way(url: str, message: str) -> None:
    result = run_migrate(url)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr
    assert re.search(message, result.stderr), result.stderr
