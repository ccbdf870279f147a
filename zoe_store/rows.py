"""Many rows in one statement: handed over as one JSON document, which Postgres takes apart.

A statement with a parameter for each value costs Python and Postgres several times as much.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    Table,
    TableValuedAlias,
    Update,
    bindparam,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert


def insert_many(table: Table, *names: str) -> Insert:
    """An INSERT of these columns of all ``rows``: its one parameter, a list of dicts.

    Values are as JSON has them, moments in ISO 8601. Identities are given in the order of the rows.
    """
    given = _given(table, names)
    columns = [given.c[name] for name in names]
    return insert(table).from_select(names, select(*columns).order_by(given.c.ordinality))


def update_many(table: Table, *names: str, key: str) -> Update:
    """An UPDATE of these columns: as ``insert_many``, with the ``key`` of its row in each dict."""
    given = _given(table, (key, *names))
    changed = {name: given.c[name] for name in names}
    return update(table).where(table.c[key] == given.c[key]).values(changed)


def _given(table: Table, names: Sequence[str]) -> TableValuedAlias:
    return func.jsonb_populate_recordset(
        literal_column(f"null::{table.name}"), bindparam("rows", type_=JSONB)
    ).table_valued(*names, with_ordinality="ordinality", name="given")
