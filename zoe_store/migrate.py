"""Bring a database to the schema of this version of Zoe, or say why it cannot be used.

``python -m zoe_store.migrate URL`` migrates a database of the site's own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import ArgumentError

from zoe_store.database import Database, DatabaseAway

MIGRATE_LOCK = 0x5A6F6502
_HOW = "python -m zoe_store.migrate URL"


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
        raise WrongSchema(f"the database has no Zoe schema yet: run {_HOW}")
    known = {script.revision for script in scripts.walk_revisions()}
    if found in known:
        raise WrongSchema(
            f"the database has the older schema {found}, this version needs {wanted}: run {_HOW}"
        )
    raise WrongSchema(
        f"the database has the schema {found}, made by a newer version of Zoe than this one "
        f"({wanted}): install that version, or restore a backup"
    )


def main() -> None:
    """Migrate the database whose SQLAlchemy URL is the one argument."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {_HOW}, such as postgresql+psycopg2://zoe@db.example.org/zoe")
    try:
        upgrade(sys.argv[1])
    except (DatabaseAway, ArgumentError) as error:
        sys.exit(f"the database cannot be migrated: {error}")


if __name__ == "__main__":
    main()
