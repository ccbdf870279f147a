"""Fair shares and estimates are the same after purging: what they ask of the past is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "purged_runs",
        sa.Column("execution_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("zapp_name", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("execution_id", name="pk_purged_runs"),
    )
    op.create_index("ix_purged_runs_ended_at", "purged_runs", ["ended_at"])
    op.create_table(
        "purged_use",
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("byte_seconds", sa.Double(), nullable=False),
        sa.Column("millicore_seconds", sa.Double(), nullable=False),
        sa.Column("gpu_seconds", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_name", name="pk_purged_use"),
    )
