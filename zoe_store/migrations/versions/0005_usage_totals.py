"""What was used stays known after executions are purged; usage of a period without reading all."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage_totals",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("groups", postgresql.JSONB(), nullable=False),
        sa.Column(
            "groups_hash",
            sa.Text(),
            sa.Computed("md5(groups::text)", persisted=True),
            nullable=False,
        ),
        sa.Column("zapp", sa.Text(), nullable=False),
        sa.Column("executions", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("ran", sa.BigInteger(), nullable=False),
        sa.Column("wait_seconds", sa.Double(), nullable=False),
        sa.Column("millicore_seconds", sa.Double(), nullable=False),
        sa.Column("byte_seconds", sa.Double(), nullable=False),
        sa.Column("gpu_seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("day", "user_name", "groups_hash", "zapp", name="pk_usage_totals"),
    )
    op.drop_index("ix_executions_ended_at", table_name="executions")
    op.create_index("ix_executions_ended_at", "executions", ["ended_at"])
    op.create_index(
        "ix_instances_held",
        "instances",
        [sa.text("tstzrange(LEAST(started_at, ended_at), ended_at)")],
        postgresql_using="gist",
    )
    op.create_index("ix_intents_execution_id", "intents", ["execution_id"])
