"""A real Postgres for the tests: a server for the run, a fresh database for each test."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from zoe_store import embedded, migrate
from zoe_store.database import Database
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.office import Office

_TEMPLATE = "zoe_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The run's Postgres server, with a database that has all migrations as template."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), databases=(_TEMPLATE,))
    with pytest.MonkeyPatch.context() as patch:
        # Nothing here outlives the machine, and to make a database took five times as long.
        patch.setitem(embedded._SETTINGS, "fsync", "off")
        server.start()
    try:
        migrate.upgrade(server.url(_TEMPLATE))
        yield server
    finally:
        server.stop()


@contextmanager
def fresh_database(server: EmbeddedPostgres) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh, migrated database, dropped after the block."""
    name = f"test_{next(_numbers)}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    try:
        yield server.url(name)
    finally:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A fresh database for each test."""
    with fresh_database(postgres) as url:
        yield url


def execute(server: EmbeddedPostgres, statement: str, **values: object) -> None:
    """Run a statement that refuses a transaction."""
    engine = sa.create_engine(
        server.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with engine.connect() as connection:
        connection.execute(sa.text(statement), values)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Connections to a database of the test's own."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    """The office of the acting master."""
    office = Office(database)
    assert office.try_take()
    yield office
    office.leave()
