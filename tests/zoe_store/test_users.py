"""Who there is, and what each holds now."""

from sqlalchemy import select

from tests.support.builders import GB
from tests.zoe_store.test_usage import held, stored
from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionStatus
from zoe_store.database import Database
from zoe_store.office import Office
from zoe_store.tables import executions
from zoe_store.users import users


def test_nobody(database: Database) -> None:
    assert users(database) == []


def test_each_with_the_groups_of_her_last_submission(database: Database, office: Office) -> None:
    stored(database, office, user="bob", groups=["old"], ended=5)
    stored(database, office, user="ada", ended=5)
    stored(database, office, user="bob", groups=["lab", "staff"], ended=5)

    found = users(database)

    assert [(each.name, each.groups) for each in found] == [("ada", ()), ("bob", ("lab", "staff"))]
    assert {each.held for each in found} == {Amount()}
    with database.transaction() as connection:
        last = connection.scalars(select(executions.c.submitted_at)).all()
    assert {each.last_submitted_at for each in found} == set(last)


def test_what_is_held_now_is_added_up(database: Database, office: Office) -> None:
    stored(database, office, held(0, None), held(0, None, 1), user="ada")
    stored(database, office, held(0, 5), user="ada")  # runs, and its instance has ended
    stored(database, office, held(0, 5), user="ada", ended=5, status=ExecutionStatus.ERROR)
    stored(database, office, held(0, None), user="bob")

    ada, bob = users(database)

    assert (ada.up, ada.waiting, ada.held) == (2, 0, Amount(4 * GB, 1000))
    assert (bob.up, bob.held) == (1, Amount(2 * GB, 500))
