"""Quotas as administrators set them, and as the master finds them at its next look."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from zoe_core.cluster import NO_LIMIT, Quota, Quotas
from zoe_store import master, quotas
from zoe_store.database import Database
from zoe_store.office import Office

FULL = Quota(executions=3, memory=2**40, millicores=16_500, gpus=2, runtime_limit=60, weight=2.5)


def test_what_was_set_is_listed_and_can_be_changed_and_removed(database: Database) -> None:
    assert quotas.list_quotas(database) == []
    quotas.set_quota(database, "user", "alice", FULL, "root")
    quotas.set_quota(database, "group", "lab", Quota(gpus=0), "root")
    quotas.set_quota(database, "default", "", Quota(executions=1), "eve")
    assert [(each.kind, each.name, each.quota, each.by_user) for each in before(database)] == [
        ("default", "", Quota(executions=1), "eve"),
        ("group", "lab", Quota(gpus=0), "root"),
        ("user", "alice", FULL, "root"),
    ]
    answered = quotas.set_quota(database, "user", "alice", Quota(memory=NO_LIMIT), "bob")
    (changed,) = (each for each in before(database) if each.name == "alice")
    assert (changed.quota, changed.by_user) == (Quota(memory=NO_LIMIT), "bob")
    assert answered == changed
    assert quotas.remove_quota(database, "user", "alice")
    assert not quotas.remove_quota(database, "user", "alice")
    assert not quotas.remove_quota(database, "user", "lab")
    assert len(before(database)) == 2


def before(database: Database) -> list[quotas.QuotaRecord]:
    """All of them; each was changed before now."""
    found = quotas.list_quotas(database)
    assert all(each.changed_at <= datetime.now(UTC) for each in found)
    return found


def test_they_apply_by_user_and_group(database: Database) -> None:
    quotas.set_quota(database, "user", "lab", FULL, "root")
    quotas.set_quota(database, "group", "lab", Quota(gpus=1), "root")
    quotas.set_quota(database, "default", "", Quota(gpus=0), "root")
    found = quotas.read_quotas(database)
    assert found == Quotas({"lab": FULL}, {"lab": Quota(gpus=1)}, Quota(gpus=0))
    assert found.of("lab", ()) == FULL


@pytest.mark.parametrize(
    ("kind", "name", "fields"),
    [
        ("user", "", {}),
        ("default", "alice", {}),
        ("site", "alice", {}),
        ("user", "alice", {"gpus": -1}),
        ("user", "alice", {"memory": -1, "gpus": 1}),
        ("user", "alice", {"weight": 0}),
    ],
)
def test_what_makes_no_sense_is_not_stored(
    database: Database, kind: Any, name: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError):
        quotas.set_quota(database, kind, name, Quota(**fields), "root")
    assert quotas.list_quotas(database) == []


def test_the_master_reads_them_when_they_have_changed(database: Database, office: Office) -> None:
    none = master.read_news(office).rules
    assert none.quotas == Quotas()
    assert master.read_news(office).rules is none
    quotas.set_quota(database, "user", "alice", FULL, "root")
    first = master.read_news(office).rules
    assert first.quotas == Quotas(users={"alice": FULL})
    assert master.read_news(office).rules is first
    quotas.set_quota(database, "default", "", Quota(executions=0, memory=NO_LIMIT), "root")
    assert master.read_news(office).rules.quotas == quotas.read_quotas(database)
    quotas.remove_quota(database, "user", "alice")
    default = Quota(executions=0, memory=NO_LIMIT)
    assert master.read_news(office).rules.quotas == Quotas(default=default)
