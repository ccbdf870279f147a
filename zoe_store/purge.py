"""Purging: an ended execution, its events and instances are removed; what it used stays in totals.

So does what fair shares and estimates ask of the past (:mod:`zoe_store.past`): nobody gains by it.
The hub notes the wish, as an intent; the master carries it out (:mod:`zoe_master.engine.purger`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert

from zoe_core.cluster import FINAL
from zoe_store.database import Database
from zoe_store.office import Office
from zoe_store.past import remember
from zoe_store.tables import executions, instances, intents, usage_totals
from zoe_store.usage import AMOUNTS, KEY, sums_of

KIND = "purge"
"""Of the intents; none of those that the scheduler acts on."""

AT_ONCE = 20
"""Executions that are purged in one transaction: each may have thousands of events."""

_WANTED = intents.c.handled_at.is_(None) & (intents.c.kind == KIND)


def request_purge(database: Database, execution_id: int, by_user: str, now: datetime) -> bool:
    """Note the wish to purge an execution; False, and nothing is noted, unless it has ended."""
    with database.transaction() as connection:
        # Locked: two wishes at a time are one, and it is not purged meanwhile.
        status = connection.scalar(
            select(executions.c.status).where(executions.c.id == execution_id).with_for_update()
        )
        if status not in FINAL:
            return False
        noted = _WANTED & (intents.c.execution_id == execution_id)
        if connection.scalar(select(intents.c.id).where(noted)) is None:
            connection.execute(
                insert(intents).values(
                    execution_id=execution_id, kind=KIND, by_user=by_user, arguments={}, at=now
                )
            )
    return True


def wanted(
    office: Office,
    listed_at: datetime,
    but: Collection[int] = (),
    away: Collection[str] = (),
) -> dict[int, str]:
    """The executions that are to be purged, ``AT_ONCE`` at most, and who wishes it.

    The wishes go with them. Those of ``but`` are left out, and those that had an instance on one of
    the nodes that were ``away`` in the full list of ``listed_at``, or one anywhere if they ended
    after that: what is still there could not be explained any more.
    """
    columns = (intents.c.execution_id, intents.c.by_user)
    theirs = instances.c.execution_id == executions.c.id
    unsure = instances.c.node.in_(away) | (executions.c.ended_at >= listed_at)
    asked = _WANTED & intents.c.execution_id.not_in(but) & ~exists().where(theirs & unsure)
    query = select(*columns).join(executions).where(asked).order_by(intents.c.id).limit(AT_ONCE)
    with office.reading() as connection:
        return {row.execution_id: row.by_user for row in connection.execute(query)}


def purge(office: Office, execution_ids: Sequence[int], now: datetime) -> list[int]:
    """Remove those of these executions that have ended, and add what they used to the totals.

    In one transaction, so nothing is lost or counted twice. Returns those that were removed.
    """
    theirs = executions.c.id.in_(execution_ids) & executions.c.status.in_(FINAL)
    with office.transaction() as connection:
        found = list(connection.scalars(select(executions.c.id).where(theirs).with_for_update()))
        if found:
            connection.execute(_add_usage(found))
            remember(connection, found, now)
            connection.execute(delete(executions).where(executions.c.id.in_(found)))
    return found


def _add_usage(execution_ids: Sequence[int]) -> Insert:
    totals = usage_totals.c
    statement = upsert(usage_totals).from_select([*KEY, *AMOUNTS], sums_of(execution_ids))
    more = {name: totals[name] + statement.excluded[name] for name in AMOUNTS}
    return statement.on_conflict_do_update(
        index_elements=usage_totals.primary_key.columns, set_=more
    )
