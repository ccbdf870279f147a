"""A database, and an acting master's office on it."""

from collections.abc import Iterator

import pytest

from zoe_store.database import Database
from zoe_store.office import Office


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    office = Office(database)
    assert office.try_take()
    yield office
    office.leave()
