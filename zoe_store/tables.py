"""The tables. Each says which process owns it, that is, who may write to it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _moment(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _list(name: str) -> Column[object]:
    return Column(name, JSONB, nullable=False, server_default=text("'[]'::jsonb"))


def _execution_id(**kwargs: object) -> Column[int]:
    return Column(
        "execution_id",
        BigInteger,
        ForeignKey("executions.id", ondelete="CASCADE"),
        **kwargs,  # type: ignore[arg-type]
    )


# Owner: the migrations (one row, made with the schema); `epoch` and what follows it: the master.
deployment = Table(
    "deployment",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("uuid", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    # Where the acting master listens and what its back-end can do; for the hub to read.
    Column("master", JSONB),
    _moment("master_seen_at"),
    CheckConstraint("singleton", name="one_row"),
)

# Owner: the hub inserts; from then on only the master updates, and only the columns of its life
# and of what it predicted.
executions = Table(
    "executions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("user_name", Text, nullable=False),
    Column("name", Text, nullable=False),
    # The gallery's slug; null for a description of the user's own.
    Column("zapp", Text),
    # The ZApp description with its parameters applied, and the parameters as they were given.
    Column("description", JSONB, nullable=False),
    Column("parameters", JSONB, nullable=False),
    # The name of the JupyterHub server this execution is ('' is the default one), else null.
    Column("server_name", Text),
    Column("idempotency_key", Text),
    Column("fingerprint", Text),
    _moment("submitted_at", nullable=False),
    # The user's groups when she submitted it.
    _list("groups"),
    # From here on: its life, written by the master.
    Column("status", Text, nullable=False, server_default="submitted"),
    Column("on_hold", Boolean, nullable=False, server_default=false()),
    Column("start_failures", Integer, nullable=False, server_default="0"),
    Column("terminate", Text),
    Column("outcome", Text),
    Column("reason", Text),
    _moment("starting_since"),
    _moment("started_at"),
    _moment("ended_at"),
    # How many started before it that may have delayed it.
    Column("overtaken", Integer, nullable=False, server_default="0"),
    # What is other than the description says, because somebody changed it since.
    Column("changes", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # The first prediction of when it starts, and when that was made; never changed, so that it can
    # be compared with what happened. `predicted_start_high` null: nobody could tell.
    _moment("predicted_at"),
    _moment("predicted_start_low"),
    _moment("predicted_start"),
    _moment("predicted_start_high"),
    CheckConstraint(
        "status in ('submitted','queued','starting','running','cleaning_up','terminated','error')",
        name="status",
    ),
    Index("uq_executions_idempotency", "user_name", "idempotency_key", unique=True),
    Index("ix_executions_user_name_id", "user_name", "id"),
    # What the master loads at start and looks at every second.
    Index(
        "ix_executions_live",
        "id",
        postgresql_where=text("status not in ('terminated','error')"),
    ),
    # How good the last predictions were.
    Index(
        "ix_executions_foreseen",
        "started_at",
        postgresql_where=text("predicted_start is not null and started_at is not null"),
    ),
    # How long the last executions ran; what ended in a period.
    Index("ix_executions_ended_at", "ended_at"),
    # One live execution for each server of a user.
    Index(
        "uq_executions_live_server",
        "user_name",
        "server_name",
        unique=True,
        postgresql_where=text("server_name is not null and status not in ('terminated','error')"),
    ),
)

# Of an instance that ran, the time during which it held its reservation; without an end while it
# does. Postgres refuses ranges that end before they begin, as after a clock was put back.
_HELD = "tstzrange(LEAST(started_at, ended_at), ended_at)"

# Owner: the master. The reservation of an instance is held until it is seen gone.
instances = Table(
    "instances",
    metadata,
    _execution_id(primary_key=True),
    Column("service", Text, primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("memory", BigInteger, nullable=False),
    Column("millicores", Integer, nullable=False),
    Column("gpus", Integer, nullable=False, server_default="0"),
    Column("essential", Boolean, nullable=False),
    Column("monitor", Boolean, nullable=False),
    Column("desired", Text, nullable=False),
    Column("observed", Text, nullable=False),
    Column("exit_code", Integer),
    Column("detail", Text),
    # [[port, host, port on that host], ...]
    _list("addresses"),
    # Ids of the node's GPUs that it alone has.
    _list("devices"),
    _moment("started_at"),
    _moment("ended_at"),
    # What was used lately, for fair shares.
    Index("ix_instances_ended_at", "ended_at"),
    # What was held in a period. For all rows: of a part Postgres keeps no statistics to plan with.
    Index("ix_instances_held", text(_HELD), postgresql_using="gist"),
)

# Owner: the hub inserts; the master sets `handled_at`. What people wish of an execution.
intents = Table(
    "intents",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _execution_id(nullable=False),
    Column("kind", Text, nullable=False),
    Column("by_user", Text, nullable=False),
    Column("arguments", JSONB, nullable=False),
    _moment("at", nullable=False),
    _moment("handled_at"),
    Index("ix_intents_open", "id", postgresql_where=text("handled_at is null")),
    # What is wished of one; and what goes when it is purged.
    Index("ix_intents_execution_id", "execution_id"),
)

# Owners: the hub and the master append; nobody updates. Ids become visible in order: see events.py.
events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _execution_id(nullable=False),
    _moment("at", nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Index("ix_events_execution_id_id", "execution_id", "id"),
)

# Owner: the hub inserts and replaces; the master reads, and deletes when the execution ends.
launch_secrets = Table(
    "launch_secrets",
    metadata,
    _execution_id(primary_key=True),
    Column("environment", JSONB, nullable=False),
)

# Owner: the master. The last known nodes, for the hub to read when the master is away.
nodes = Table(
    "nodes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("memory", BigInteger, nullable=False),
    Column("millicores", Integer, nullable=False),
    Column("gpus", Integer, nullable=False, server_default="0"),
    Column("labels", JSONB, nullable=False),
    Column("online", Boolean, nullable=False),
    Column("draining", Boolean, nullable=False),
    # Null: any image may be started.
    Column("images", JSONB),
    Column("missing_images", JSONB, nullable=False),
    # Ids of its GPUs.
    _list("devices"),
    Column("pressured", Boolean, nullable=False, server_default=false()),
    _list("local_images"),
    _moment("seen_at", nullable=False),
)

# Owner: the hub. What a user, each member of a group, or everybody may hold at a time; units, null
# and the number for "no limit" as in `zoe_core.cluster.quota`. The name of the default one is ''.
quotas = Table(
    "quotas",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("executions", BigInteger),
    Column("memory", BigInteger),
    Column("millicores", BigInteger),
    Column("gpus", BigInteger),
    Column("runtime_limit", BigInteger),
    Column("weight", Double),
    _moment("changed_at", nullable=False),
    Column("by_user", Text, nullable=False),
    CheckConstraint("kind in ('user','group','default')", name="kind"),
    CheckConstraint("(kind = 'default') = (name = '')", name="name"),
    CheckConstraint(
        "weight > 0 and least(executions, memory, millicores, gpus, runtime_limit) >= 0",
        name="amounts",
    ),
)

# Owner: the hub. Nodes that an administrator wants nothing new to start on.
drains = Table(
    "drains",
    metadata,
    Column("node", Text, primary_key=True),
    Column("by_user", Text, nullable=False),
    _moment("at", nullable=False),
)

# Owner: the master, which replaces them all. Instances of ours that nothing explains: they are left
# alone and listed for the administrator. No foreign key: their execution may be unknown.
strangers = Table(
    "strangers",
    metadata,
    Column("execution_id", BigInteger, primary_key=True, autoincrement=False),
    Column("service", Text, primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("observed", Text, nullable=False),
    # A sentence for the administrator: why nothing explains it.
    Column("why", Text, nullable=False),
    _moment("first_seen_at", nullable=False),
)

# Owner: the master, which adds to it what it purges. What was used by executions that are no longer
# in the database, by the UTC day on which it was; units are seconds, millicores and bytes.
usage_totals = Table(
    "usage_totals",
    metadata,
    Column("day", Date, primary_key=True),
    Column("user_name", Text, primary_key=True),
    # As in `executions`. There may be too many for a key of an index, so their hash is in it.
    Column("groups", JSONB, nullable=False),
    Column("groups_hash", Text, Computed("md5(groups::text)", persisted=True), primary_key=True),
    # '' for descriptions of the user's own.
    Column("zapp", Text, primary_key=True),
    # Those that ended that day; of them, those that failed, and those that had run.
    Column("executions", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("ran", BigInteger, nullable=False),
    # From submission until they ran, all of them together.
    Column("wait_seconds", Double, nullable=False),
    Column("millicore_seconds", Double, nullable=False),
    Column("byte_seconds", Double, nullable=False),
    Column("gpu_seconds", Double, nullable=False),
)

# Owner: the master, which keeps of what it purges what estimates stand on. Only the newest.
purged_runs = Table(
    "purged_runs",
    metadata,
    # No foreign key: there is no such execution any more.
    Column("execution_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_name", Text, nullable=False),
    # The name in its description.
    Column("zapp_name", Text, nullable=False),
    Column("seconds", Double, nullable=False),
    _moment("ended_at", nullable=False),
    Index("ix_purged_runs_ended_at", "ended_at"),
)

# Owner: the master. What a user used with what was purged, as far as fair shares still weighed it
# `at` that moment, the last time that something of hers was purged.
purged_use = Table(
    "purged_use",
    metadata,
    Column("user_name", Text, primary_key=True),
    Column("byte_seconds", Double, nullable=False),
    Column("millicore_seconds", Double, nullable=False),
    Column("gpu_seconds", Double, nullable=False),
    _moment("at", nullable=False),
)

# Owner: the portal appends; a trigger refuses that anybody updates or deletes. Who did what, or was
# refused to.
audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _moment("at", nullable=False),
    Column("actor", Text, nullable=False),
    # As JupyterHub calls it: user or service.
    Column("actor_kind", Text, nullable=False),
    # What was asked for: the operation's id in REST. Of what: a path, such as executions/42.
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    # What was asked for in particular, and why it was refused.
    Column("detail", JSONB, nullable=False),
    # Made by the portal: what it writes again, when a commit was in doubt, is there once.
    Column("key", Uuid, nullable=False, unique=True),
    CheckConstraint("outcome in ('done','refused','failed','unknown')", name="outcome"),
    Index("ix_audit_actor_id", "actor", "id"),
    Index("ix_audit_at", "at"),
)
