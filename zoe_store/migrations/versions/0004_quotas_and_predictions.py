"""A quota may say nothing about a limit; what was given up unseen is gone; predictions, judged.

Null in a quota was no limit, and says nothing now: those that there are keep their meaning. An
instance that was given up unseen is kept until it is known to be gone: those of executions that
have ended are. A prediction is compared with when it ran: a start that failed was not foreseen.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


LIMITS = ("executions", "memory", "millicores", "gpus", "runtime_limit")
NO_LIMIT = 2**63 - 1


def upgrade() -> None:
    op.alter_column(
        "quotas",
        "weight",
        existing_type=sa.Double(),
        existing_server_default=sa.text("1"),
        nullable=True,
        server_default=None,
    )
    op.drop_index("ix_executions_foreseen", table_name="executions")
    op.create_index(
        "ix_executions_foreseen",
        "executions",
        ["started_at"],
        postgresql_where=sa.text("predicted_start is not null and started_at is not null"),
    )
    quotas = sa.table("quotas", sa.column("kind"), *map(sa.column, LIMITS))
    kept = {limit: sa.func.coalesce(quotas.c[limit], NO_LIMIT) for limit in LIMITS}
    op.execute(quotas.update().where(quotas.c.kind != "default").values(kept))
    op.execute(
        "UPDATE instances SET observed = 'lost', ended_at = executions.ended_at FROM executions "
        "WHERE executions.id = execution_id AND executions.status IN ('terminated', 'error') "
        "AND desired = 'absent' AND observed = 'none'"
    )
