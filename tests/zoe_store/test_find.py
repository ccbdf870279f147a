"""Lists of executions: filters, order, pages; and whose they are."""

from typing import Any

import pytest

from tests.support.builders import after
from tests.support.submissions import request, store
from zoe_store import executions
from zoe_store.database import Database
from zoe_store.tables import executions as table

ROWS = [
    ("alice", "Pi", "running"),
    ("alice", "word counts", "terminated"),
    ("bob", "pi 100%", "error"),
    ("alice", "PI_2", "submitted"),
    ("bob", "notebook", "running"),
]


@pytest.fixture
def numbers(database: Database) -> dict[int, int]:
    """The five rows, submitted a second after each other; maps ids to their numbers."""
    ids = {}
    for number, (user, name, status) in enumerate(ROWS):
        new = request(user=user, name=name)
        record, _ = store(database, new, after(number))
        with database.transaction() as connection:
            connection.execute(table.update().where(table.c.id == record.id).values(status=status))
        ids[record.id] = number
    return ids


CASES: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [4, 3, 2, 1, 0]),
    ({"user": "alice"}, [3, 1, 0]),
    ({"user": "nobody"}, []),
    ({"statuses": ["running"]}, [4, 0]),
    ({"statuses": ["running", "error"]}, [4, 2, 0]),
    ({"name": "pi"}, [3, 2, 0]),
    ({"name": "%"}, [2]),
    ({"name": "_"}, [3]),
    ({"name": "i_2"}, [3]),
    ({"since": after(2)}, [4, 3, 2]),
    ({"until": after(2)}, [1, 0]),
    ({"since": after(1), "until": after(3)}, [2, 1]),
    ({"user": "bob", "statuses": ["running"], "name": "note"}, [4]),
]


def test_filters(database: Database, numbers: dict[int, int]) -> None:
    for filters, expected in CASES:
        found = [numbers[each.id] for each in executions.find(database, **filters)]
        assert found == expected, filters


def test_pages_follow_each_other(database: Database, numbers: dict[int, int]) -> None:
    seen: list[int] = []
    before = None
    while page := executions.find(database, user="alice", before=before, limit=2):
        assert len(page) <= 2
        seen += [numbers[each.id] for each in page]
        before = page[-1].id
    assert seen == [3, 1, 0]


def test_owners(database: Database, numbers: dict[int, int]) -> None:
    assert executions.owners_of(database, [*numbers, 10**9]) == {
        each: ROWS[number][0] for each, number in numbers.items()
    }
    assert executions.owners_of(database, []) == {}
