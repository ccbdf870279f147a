"""Quotas as administrators set them: of users, of the members of groups, and the default one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from zoe_core.cluster import Quota, Quotas
from zoe_store.database import Database
from zoe_store.tables import quotas

Kind = Literal["user", "group", "default"]

NOTHING = ""
"""The version of a quota that is not there."""

Expected = Callable[[str], bool]
"""Whether a quota of that version may be replaced."""

_LIMITS = tuple(each.name for each in fields(Quota))


class QuotaChanged(Exception):
    """Somebody else has set or removed the quota: what is there is not what was expected."""


@dataclass(frozen=True, slots=True)
class QuotaRecord:
    """A quota, whose it is, and who changed it last. The ``name`` of the default one is empty."""

    kind: Kind
    name: str
    quota: Quota
    changed_at: datetime
    by_user: str

    @property
    def version(self) -> str:
        """Another one each time that it is set, also to what it was before."""
        told = [asdict(self.quota), self.changed_at.timestamp(), self.by_user]
        return sha256(json.dumps(told).encode()).hexdigest()[:32]


def whatever(version: str) -> bool:
    """Replace what is there, whatever it is."""
    return True


def get_quota(database: Database, kind: Kind, name: str) -> QuotaRecord | None:
    """One quota, or None."""
    with database.transaction() as connection:
        return _find(connection, kind, name)


def list_quotas(database: Database) -> list[QuotaRecord]:
    """All quotas, by kind and name."""
    query = select(quotas).order_by(quotas.c.kind, quotas.c.name)
    with database.transaction() as connection:
        return [_record(row) for row in connection.execute(query)]


def read_quotas(database: Database) -> Quotas:
    """All quotas, as they apply."""
    return gathered((each.kind, each.name, each.quota) for each in list_quotas(database))


def set_quota(
    database: Database,
    kind: Kind,
    name: str,
    quota: Quota,
    by: str,
    expected: Expected = whatever,
) -> QuotaRecord:
    """Set the quota of a user or group, or the default one, whose name is empty.

    It counts from now on, also for what runs. Numbers are below 2**63, none is negative, and the
    weight is above 0; other values raise the errors of SQLAlchemy. Raises QuotaChanged, and does
    nothing, unless the version that is there now is as ``expected``.
    """
    values = {**asdict(quota), "changed_at": func.now(), "by_user": by}
    statement = insert(quotas).values(kind=kind, name=name, **values)
    statement = statement.on_conflict_do_update(index_elements=["kind", "name"], set_=values)
    with database.transaction() as connection:
        _check_version(connection, kind, name, expected)
        return _record(connection.execute(statement.returning(quotas)).one())


def remove_quota(database: Database, kind: Kind, name: str, expected: Expected = whatever) -> bool:
    """Remove a quota; False when there was none. Raises QuotaChanged as ``set_quota``."""
    statement = delete(quotas).filter_by(kind=kind, name=name).returning(quotas.c.kind)
    with database.transaction() as connection:
        _check_version(connection, kind, name, expected)
        return connection.execute(statement).one_or_none() is not None


def _check_version(connection: Connection, kind: Kind, name: str, expected: Expected) -> None:
    """Nobody changes a quota from here to the end of the transaction; all may read them."""
    connection.execute(text(f"LOCK TABLE {quotas.name} IN SHARE ROW EXCLUSIVE MODE"))
    found = _find(connection, kind, name)
    if not expected(NOTHING if found is None else found.version):
        raise QuotaChanged


def _find(connection: Connection, kind: Kind, name: str) -> QuotaRecord | None:
    row = connection.execute(select(quotas).filter_by(kind=kind, name=name)).one_or_none()
    return None if row is None else _record(row)


def gathered(found: Iterable[tuple[str, str, Quota]]) -> Quotas:
    """Kind, name and quota of each, as they apply."""
    users: dict[str, Quota] = {}
    groups: dict[str, Quota] = {}
    default = Quota()
    for kind, name, quota in found:
        match kind:
            case "user":
                users[name] = quota
            case "group":
                groups[name] = quota
            case _:
                default = quota
    return Quotas(users, groups, default)


def quota_of(row: Mapping[Any, Any]) -> Quota:
    """The quota in a row, which may have more columns."""
    return Quota(**{name: row[name] for name in _LIMITS})


def _record(row: Row[Any]) -> QuotaRecord:
    return QuotaRecord(row.kind, row.name, quota_of(row._mapping), row.changed_at, row.by_user)
