"""Bring a database to the schema of this version of Zoe, or say why it cannot be used."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from zoe_store.database import Database

MIGRATE_LOCK = 0x5A6F6502


class WrongSchema(Exception):
    """The database has another schema than this version of Zoe works with."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(url: str) -> None:
    """Run all missing migrations, in one transaction. Two at once wait for each other."""
    database = Database(url)
    try:
        with database.transaction() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATE_LOCK)))
            command.upgrade(_config(connection), "head")
    finally:
        database.close()


def check(database: Database) -> None:
    """Raise WrongSchema, with what to do, unless the schema is exactly the one of this version."""
    scripts = ScriptDirectory.from_config(_config())
    wanted = scripts.get_current_head()
    with database.transaction() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == wanted:
        return
    if found is None:
        raise WrongSchema("the database has no Zoe schema yet; run the migrations first")
    known = {script.revision for script in scripts.walk_revisions()}
    if found in known:
        raise WrongSchema(
            f"the database has the older schema {found}, this version needs {wanted}: migrate it"
        )
    raise WrongSchema(
        f"the database has the schema {found}, made by a newer version of Zoe than this one "
        f"({wanted}): install that version, or restore a backup"
    )
