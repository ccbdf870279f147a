"""Wishes that nothing new starts on a node."""

from zoe_store import drains, master
from zoe_store.database import Database
from zoe_store.office import Office


def test_a_wish_stays_until_it_is_taken_back(database: Database) -> None:
    assert drains.drained(database) == {}
    wishes = (("b", "root"), ("a", "root"), ("b", "eve"))
    assert [drains.set_drain(database, name, by, True) for name, by in wishes] == [
        *(True, True, False)
    ]
    found = drains.drained(database)
    assert [(name, each.by_user) for name, each in found.items()] == [("a", "root"), ("b", "root")]
    assert drains.set_drain(database, "b", "eve", False)
    assert not drains.set_drain(database, "unknown", "eve", False)
    assert drains.drained(database) == {"a": found["a"]}


def test_the_master_hears_of_it(database: Database, office: Office) -> None:
    drains.set_drain(database, "Knoten 'ä'", "root", True)
    drains.set_drain(database, "b", "root", True)
    assert master.read_news(office).rules.drained == {"Knoten 'ä'", "b"}
    drains.set_drain(database, "b", "root", False)
    assert master.read_news(office).rules.drained == {"Knoten 'ä'"}
