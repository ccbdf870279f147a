"""Zoe's database in one file, and back: with Postgres' own programs.

Only Zoe's own tables are saved and replaced. Launch secrets are left out: they are tokens of
servers, and a file is kept for long.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Update,
    column,
    func,
    inspect,
    select,
    table,
    text,
    update,
)

from zoe_store.database import Database, DatabaseAway
from zoe_store.embedded import EmbeddedPostgres, EmbeddedPostgresError
from zoe_store.migrate import WrongSchema, check, revisions, upgrade
from zoe_store.office import MASTER_LOCK
from zoe_store.postgres_tools import BackupError, Tools
from zoe_store.tables import (
    audit,
    deployment,
    drains,
    events,
    executions,
    intents,
    launch_secrets,
    metadata,
    quotas,
    usage_totals,
)
from zoe_store.urls import InvalidUrl, checked_url

__all__ = ["BackupError", "Done", "backup", "readable", "restore", "site_database"]

_SCHEMA_TABLE = "alembic_version"
_TABLES = (*sorted(metadata.tables), _SCHEMA_TABLE)
_PEOPLES = (executions, quotas, drains, usage_totals, audit)
"""Tables of which none has a row in a database that nobody has used."""
# What the trigger of the audit log calls, as migration 0007 has it: no part of a table, so that it
# is in no backup of tables.
_GUARD = (
    "CREATE OR REPLACE FUNCTION public.refuse_to_change_audit() RETURNS trigger LANGUAGE plpgsql "
    "AS $$ BEGIN RAISE EXCEPTION 'The audit log is only added to'; END $$;"
)
_NUMBERED = (audit, executions, events, intents)
"""Tables that give their rows numbers, which must never be given twice."""
_SEQUENCES = table("pg_sequences", column("sequencename"), column("last_value"))
_NEW_IN_17 = b"SET transaction_timeout = 0;"
_HEAD = 4096
"""Bytes within which a script of pg_restore has all its settings."""


@dataclass(frozen=True, slots=True)
class Done:
    """What is in the file: ``schema`` is the revision, ``bytes`` the size of the file.

    ``deployment`` is the UUID of the Zoe whose database it is: what runs on the nodes bears it.
    """

    schema: str
    deployment: str
    executions: int
    bytes: int


@contextmanager
def site_database(
    url: str | None, directory: Path, *, who: str, make: bool = False
) -> Iterator[str]:
    """The URL of Zoe's database: as given, else that of the Postgres that Zoe runs itself.

    That one, in ``directory``, is started for the time of the block if it does not run, and made if
    there is none and it may be; a Zoe that would use it meanwhile is told ``who`` does. All that
    goes wrong in the block becomes a BackupError.
    """
    own = directory / "postgres"
    try:
        if url is not None:
            yield checked_url(url)
        elif make or own.exists():
            with EmbeddedPostgres(own, who=who) as server:
                yield server.url("zoe")
        else:
            raise BackupError(
                f"no Zoe has a Postgres of its own in {directory.absolute()}: name its directory, "
                "or the address of the site's database"
            )
    except InvalidUrl as error:
        raise BackupError(f"the address of the database {error}") from None
    except (DatabaseAway, EmbeddedPostgresError, OSError, WrongSchema) as error:
        raise BackupError(str(error)) from error


def backup(url: str, file: Path) -> Done:
    """Save the database in ``file``, whole or not at all, as it is at one moment.

    Only the owner may read the file; one that is there is replaced. Raises BackupError,
    WrongSchema, DatabaseAway, OSError.
    """
    with closing(Database(url)) as database:
        check(database)
        tools = Tools.newest().reaching(database)
        with database.transaction() as connection:
            schema = str(connection.scalar(text("select version_num from alembic_version")))
            uuid, count = _uuid(connection), _count(connection)
    partial = file.with_name(f"{file.name}.part")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        tools.run(
            *("pg_dump", "--format=custom", "--no-owner", "--no-privileges"),
            *(f"--table=public.{name}" for name in _TABLES),
            *(f"--exclude-table-data=public.{launch_secrets.name}", f"--file={partial}"),
        )
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
    return Done(schema, uuid, count, file.stat().st_size)


def readable(file: Path) -> str:
    """The schema that a backup has; raises BackupError for one that this Zoe cannot restore."""
    script = Tools.newest().run(
        "pg_restore", "--data-only", f"--table={_SCHEMA_TABLE}", "--file=-", str(file)
    )
    found = re.search(rf"^COPY public\.{_SCHEMA_TABLE} .*\n(\w+)$", script, re.MULTILINE)
    if found is None:
        raise BackupError(f"{file} is no backup of Zoe's database")
    if found[1] not in revisions():
        raise BackupError(
            f"{file} has the schema {found[1]}, made by a newer version of Zoe than this one "
            f"({revisions()[0]}): install that version"
        )
    return found[1]


def restore(url: str, file: Path, *, overwrite: bool = False) -> Done:
    """Bring the database to what ``file`` has, all of it or nothing, in the schema of this version.

    Refuses while a master acts; and, unless ``overwrite``, when the database is not empty. Ids that
    were given are not given again, and a master of before cannot write any more. Raises
    BackupError, WrongSchema, DatabaseAway, OSError.
    """
    schema = readable(file)
    with closing(Database(url, patient=True)) as database:
        tools = Tools.newest().reaching(database)
        with _nobody_acts(database):
            with database.transaction() as connection:
                names = set(inspect(connection).get_table_names()).intersection(_TABLES)
                if not overwrite:
                    _check_empty(connection, names)
                going_on = _going_on(connection, names)
            _replace(tools, file, names, going_on)
            upgrade(url)
        with database.transaction() as connection:
            return Done(schema, _uuid(connection), _count(connection), file.stat().st_size)


@contextmanager
def _nobody_acts(database: Database) -> Iterator[None]:
    """Hold the master's lock: none acts, and none begins to."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(select(func.pg_try_advisory_lock(MASTER_LOCK))):
            raise BackupError("a master acts on this database: stop Zoe first")
        try:
            yield
        finally:
            connection.scalar(select(func.pg_advisory_unlock(MASTER_LOCK)))


def _check_empty(connection: Connection, names: set[str]) -> None:
    for each in _PEOPLES:
        if each.name in names and connection.execute(select(each).limit(1)).first() is not None:
            raise BackupError(
                f"the database is not empty: its table {each.name} has rows; back it up first, "
                "then give --overwrite"
            )


def _going_on(connection: Connection, names: set[str]) -> list[str]:
    """The statements after the backup's own: no number begins anew.

    Instances may bear ids that were given since the backup. And a master that does not know yet
    that its term has ended must not pass for one of the backup's epoch.
    """
    statements: list[Select[Any] | Update] = []
    for name in [f"{each.name}_id_seq" for each in _NUMBERED]:
        this = _SEQUENCES.c.sequencename == name
        last = connection.scalar(select(_SEQUENCES.c.last_value).where(this))
        if last is not None:  # there is one, and it has given a number
            on = func.setval(name, func.greatest(last, _SEQUENCES.c.last_value))
            statements.append(select(on).where(this))
    if deployment.name in names:
        epoch = int(connection.scalar(select(deployment.c.epoch)) or 0)
        newest = func.greatest(deployment.c.epoch, epoch)
        statements.append(update(deployment).values(epoch=newest + 1))
    said = (each.compile(connection, compile_kwargs={"literal_binds": True}) for each in statements)
    return ["SET search_path = public;", *(f"{each};" for each in said)]


def _replace(tools: Tools, file: Path, names: set[str], going_on: list[str]) -> None:
    """In one transaction: drop the tables, bring back those of the file, and go on from there."""
    with TemporaryDirectory(prefix="zoe-restore-") as scratch:  # for us alone: mode 0700
        drop, load, after = (Path(scratch) / name for name in ("drop", "load", "after"))
        drops = (f"DROP TABLE public.{name} CASCADE;" for name in sorted(names))
        drop.write_text("\n".join(("SET client_min_messages = warning;", *drops, _GUARD)))
        Tools.newest().run(
            "pg_restore", "--no-owner", "--no-privileges", f"--file={load}", str(file)
        )
        for_servers_before_17(load)
        after.write_text("\n".join(going_on))
        scripts = (f"--file={each}" for each in (drop, load, after))
        options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
        tools.run("psql", *options, *scripts)


def for_servers_before_17(script: Path) -> None:
    """Make a comment of the one setting of pg_restore's, 0 as ever, that these do not know."""
    with script.open("r+b") as file:
        place = file.read(_HEAD).find(_NEW_IN_17)
        if place >= 0:
            file.seek(place)
            file.write(b"--")


def _uuid(connection: Connection) -> str:
    return str(connection.scalar(select(deployment.c.uuid)))


def _count(connection: Connection) -> int:
    return int(connection.scalar(select(func.count()).select_from(executions)) or 0)
