"""Bring a database to the schema of this version of Zoe, or say why it cannot be used.

``python -m zoe_store.migrate`` migrates a database of the site's own, that of ZOE_DATABASE_URL.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from zoe_store.database import Database, DatabaseAway
from zoe_store.urls import InvalidUrl

MIGRATE_LOCK = 0x5A6F6502
_HOW = "python -m zoe_store.migrate"
_ENCODING = "UTF8"


class WrongSchema(Exception):
    """The database is not as this version of Zoe needs it; the message says what to do."""


def upgrade(url: str, revision: str = "head") -> None:
    """Run the missing migrations up to ``revision``, in one transaction. Two at once take turns.

    Raises WrongSchema when that cannot lead to this version's schema, DatabaseAway, InvalidUrl.
    """
    with (
        closing(Database(url, patient=True)) as database,
        _saying_what_is_not_allowed(database),
        database.transaction() as connection,
    ):
        connection.execute(select(func.pg_advisory_xact_lock(MIGRATE_LOCK)))
        _check_encoding(connection)
        found, known = _revision(connection), revisions()
        if found is not None and found not in known:
            raise _newer(found, known[0])
        command.upgrade(_config(connection), revision)


def check(database: Database) -> None:
    """Raise WrongSchema, with what to do, unless the schema is exactly the one of this version."""
    with _saying_what_is_not_allowed(database), database.transaction() as connection:
        _check_encoding(connection)
        found, known = _revision(connection), revisions()
    wanted = known[0]
    if found == wanted:
        return
    if found is None:
        raise WrongSchema(f"the database has no Zoe schema yet: run {_HOW}")
    if found in known:
        raise WrongSchema(
            f"the database has the older schema {found}, this version needs {wanted}: run {_HOW}"
        )
    raise _newer(found, wanted)


def _newer(found: str, wanted: str) -> WrongSchema:
    return WrongSchema(
        f"the database has the schema {found}, made by a newer version of Zoe than this one "
        f"({wanted}): install that version, or restore a backup"
    )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def revisions() -> list[str]:
    """All schemas that there have been, the newest first."""
    scripts = ScriptDirectory.from_config(_config())
    return [script.revision for script in scripts.walk_revisions()]


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _check_encoding(connection: Connection) -> None:
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != _ENCODING:
        raise WrongSchema(
            f"the database has the encoding {encoding}, and Zoe needs {_ENCODING}: make another "
            f"one with CREATE DATABASE … ENCODING '{_ENCODING}' TEMPLATE template0"
        )


@contextmanager
def _saying_what_is_not_allowed(database: Database) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        role = database.engine.url.username or "of Zoe"
        raise WrongSchema(
            f"the role {role} may not do what Zoe needs ({str(error.orig).splitlines()[0]}): make "
            "it the owner of the database, or GRANT USAGE, CREATE ON SCHEMA public"
        ) from error


def main() -> None:
    """Migrate the database of ZOE_DATABASE_URL, or of the one argument; passwords: the former."""
    given = [*sys.argv[1:], os.environ.get("ZOE_DATABASE_URL", "")]
    if len(sys.argv) > 2 or not given[0]:
        sys.exit(f"usage: ZOE_DATABASE_URL=postgresql://zoe@db.example.org/zoe {_HOW}")
    try:
        upgrade(given[0])
    except InvalidUrl as error:
        sys.exit(f"the database cannot be migrated: its address {error}")
    except (DatabaseAway, WrongSchema) as error:
        sys.exit(f"the database cannot be migrated: {error}")


if __name__ == "__main__":
    main()
