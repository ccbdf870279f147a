"""Quotas, drain wishes, GPUs by id, and when executions were predicted to start."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _list(name: str) -> sa.Column:
    """A column that holds a JSON list; empty in the rows that are there."""
    kind = postgresql.JSONB(astext_type=sa.Text())
    return sa.Column(name, kind, server_default=sa.text("'[]'::jsonb"), nullable=False)


def _moment(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("executions", sa.BigInteger(), nullable=True),
        sa.Column("memory", sa.BigInteger(), nullable=True),
        sa.Column("millicores", sa.BigInteger(), nullable=True),
        sa.Column("gpus", sa.BigInteger(), nullable=True),
        sa.Column("runtime_limit", sa.BigInteger(), nullable=True),
        sa.Column("weight", sa.Double(), server_default=sa.text("1"), nullable=False),
        _moment("changed_at", nullable=False),
        sa.Column("by_user", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('user','group','default')", name=op.f("ck_quotas_kind")),
        sa.CheckConstraint("(kind = 'default') = (name = '')", name=op.f("ck_quotas_name")),
        sa.CheckConstraint(
            "weight > 0 and least(executions, memory, millicores, gpus, runtime_limit) >= 0",
            name=op.f("ck_quotas_amounts"),
        ),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_quotas")),
    )
    op.create_table(
        "drains",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("by_user", sa.Text(), nullable=False),
        _moment("at", nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_drains")),
    )
    op.add_column("executions", _list("groups"))
    op.add_column(
        "executions", sa.Column("overtaken", sa.Integer(), server_default="0", nullable=False)
    )
    for name in (
        "predicted_at",
        "predicted_start_low",
        "predicted_start",
        "predicted_start_high",
    ):
        op.add_column("executions", _moment(name))
    op.create_index(
        "ix_executions_foreseen",
        "executions",
        ["starting_since"],
        unique=False,
        postgresql_where=sa.text("predicted_start is not null and starting_since is not null"),
    )
    op.create_index(
        "ix_executions_ended_at",
        "executions",
        ["ended_at"],
        unique=False,
        postgresql_where=sa.text("started_at is not null"),
    )
    op.create_index("ix_instances_ended_at", "instances", ["ended_at"], unique=False)
    op.add_column("instances", _list("devices"))
    op.add_column("nodes", _list("devices"))
    op.add_column(
        "nodes",
        sa.Column("pressured", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("nodes", _list("local_images"))
