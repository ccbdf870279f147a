"""Many rows in one statement: handed over as one JSON document, which Postgres takes apart.

A statement with a parameter for each value costs Python and Postgres several times as much.
"""

from __future__ import annotations

from sqlalchemy import Table, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert


def insert_many(table: Table, *names: str) -> Insert:
    """An INSERT of these columns of all ``rows``: its one parameter, a list of dicts.

    Values are as JSON has them, moments in ISO 8601. Identities are given in the order of the rows.
    """
    given = func.jsonb_populate_recordset(
        literal_column(f"null::{table.name}"), bindparam("rows", type_=JSONB)
    ).table_valued(*names, with_ordinality="ordinality", name="given")
    columns = [given.c[name] for name in names]
    return insert(table).from_select(names, select(*columns).order_by(given.c.ordinality))
