"""From an empty database to this version's schema, and what is said of any other."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from zoe_store import migrate
from zoe_store.database import Database
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.tables import deployment, metadata


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[Database]:
    admin = Database(postgres.url("postgres"))
    for statement in ("DROP DATABASE IF EXISTS empty WITH (FORCE)", "CREATE DATABASE empty"):
        with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    admin.close()
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
        ("0001", "older schema 0001, this version needs 0002: run python"),
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
