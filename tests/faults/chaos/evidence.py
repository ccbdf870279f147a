"""What the database holds once all is over, read in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from zoe_core.cluster import FINAL
from zoe_store.database import Database
from zoe_store.tables import events, executions, instances, intents, launch_secrets, strangers

Rows = Sequence[Row[Any]]


@dataclass(frozen=True)
class Evidence:
    """The tables, oldest rows first; `events` by the id of their execution."""

    executions: Rows
    events: dict[int, list[Row[Any]]]
    instances: Rows
    open_intents: Rows
    launch_secrets: Rows
    strangers: Rows

    def story(self, execution_id: int) -> str:
        """All that is known of an execution, for a message."""
        lines = [str(row) for row in self.executions if row.id == execution_id]
        lines += [
            f"  event {each.id} {each.kind} {each.data}" for each in self.events[execution_id]
        ]
        lines += [f"  {row}" for row in self.instances if row.execution_id == execution_id]
        return "\n".join(lines)


def collect(database: Database) -> Evidence:
    """Read it all. Raises DatabaseAway."""
    told: dict[int, list[Row[Any]]] = defaultdict(list)
    with database.transaction() as connection:
        for event in connection.execute(select(events).order_by(events.c.id)):
            told[event.execution_id].append(event)
        return Evidence(
            executions=connection.execute(select(executions).order_by(executions.c.id)).all(),
            events=told,
            instances=connection.execute(
                select(instances).order_by(instances.c.execution_id, instances.c.attempt)
            ).all(),
            open_intents=connection.execute(
                select(intents).where(intents.c.handled_at.is_(None))
            ).all(),
            launch_secrets=connection.execute(select(launch_secrets)).all(),
            strangers=connection.execute(select(strangers)).all(),
        )


def live(database: Database) -> list[int]:
    """The executions that have not ended. Raises DatabaseAway."""
    query = select(executions.c.id).where(executions.c.status.not_in(FINAL))
    with database.transaction() as connection:
        return list(connection.scalars(query.order_by(executions.c.id)))
