"""Nodes that an administrator wants nothing new to start on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Delete, delete, func, select
from sqlalchemy.dialects.postgresql import Insert, insert

from zoe_store.database import Database
from zoe_store.tables import drains


@dataclass(frozen=True, slots=True)
class Drain:
    """Who wanted a node drained, and since when."""

    by_user: str
    at: datetime


def set_drain(database: Database, node: str, by: str, draining: bool) -> bool:
    """Let nothing new start on a node, or let it again; whether that is a change.

    What runs there goes on. A node that the back-end itself drains stays so. The first wish stays,
    until it is taken back.
    """
    if draining:
        wish = insert(drains).values(node=node, by_user=by, at=func.now())
        statement: Insert | Delete = wish.on_conflict_do_nothing()
    else:
        statement = delete(drains).where(drains.c.node == node)
    with database.transaction() as connection:
        return connection.execute(statement).rowcount > 0


def drained(database: Database) -> dict[str, Drain]:
    """The nodes that are wished to be drained; some may be unknown now."""
    query = select(drains).order_by(drains.c.node)
    with database.transaction() as connection:
        return {row.node: Drain(row.by_user, row.at) for row in connection.execute(query)}
