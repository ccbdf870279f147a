"""A quota need not say anything about the weight; predictions are compared with when it ran.

Null in a quota says nothing about a limit. A start that failed is no start that was foreseen.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


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
