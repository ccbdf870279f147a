"""The databases of the Hub and of Zoe: found or started before the Hub itself starts."""

from __future__ import annotations

import asyncio
import atexit
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from zoe_hub.endless import for_ever
from zoe_hub.settings import Settings, SettingsError
from zoe_store.database import Database, DatabaseAway
from zoe_store.driver import connect_arguments
from zoe_store.embedded import EmbeddedPostgres, EmbeddedPostgresError
from zoe_store.migrate import WrongSchema, check, upgrade

_LOOK_EVERY = 0.1  # seconds between two looks whether the embedded Postgres still runs
_SOON = 10.0  # seconds; a server that ends sooner has not really begun
_TRY_AGAIN = 1.0  # seconds between two tries to reach a database of the site
_TASKS: list[asyncio.Task[None]] = []  # kept, or they are collected


@dataclass(frozen=True)
class Databases:
    """The SQLAlchemy URLs of the Hub's database and of Zoe's.

    hub_options: the options of `sqlalchemy.create_engine` for the first.
    """

    hub: str
    zoe: str
    hub_options: dict[str, Any] = field(default_factory=dict)


def find_databases(settings: Settings) -> Databases:
    """Where the databases are, without starting or asking anything."""
    if settings.database_url is not None:
        return Databases(f"sqlite:///{settings.directory}/hub.sqlite", settings.database_url)
    return _databases_of(_embedded(settings))


def open_databases(settings: Settings) -> Databases:
    """Make sure that Zoe's database can be used; returns when it can. Raises SettingsError.

    The embedded Postgres is started, kept running and migrated. One of the site is waited for, and
    must have this version's schema: its administrator migrates it.
    """
    databases = find_databases(settings)
    try:
        if settings.database_url is None:
            _start(_embedded(settings), settings)
            upgrade(databases.zoe)
        with closing(Database(databases.zoe)) as database:
            _when_it_answers(lambda: check(database))
    except (EmbeddedPostgresError, WrongSchema, DatabaseAway) as error:
        raise SettingsError(str(error)) from error
    return databases


def _embedded(settings: Settings) -> EmbeddedPostgres:
    return EmbeddedPostgres(settings.directory / "postgres")


def _databases_of(server: EmbeddedPostgres) -> Databases:
    # JupyterHub leaves what it reads in an open transaction until it next writes something.
    options = {"pool_pre_ping": True, "connect_args": connect_arguments(may_idle=True)}
    return Databases(server.url("hub"), server.url("zoe"), options)


def _start(server: EmbeddedPostgres, settings: Settings) -> None:
    server.start()
    if server.pid is None:
        raise SettingsError(f"{server.owner()} runs in ZOE_DIR={settings.directory}")
    atexit.register(server.stop)
    _TASKS.append(asyncio.get_running_loop().create_task(_keep_alive(server)))


async def _keep_alive(server: EmbeddedPostgres) -> None:
    await for_ever("Keeping Postgres alive", lambda: _revive(server))


async def _revive(server: EmbeddedPostgres) -> None:
    """Nobody else would start Postgres again if it was killed; ever slower if it ends at once."""
    wait, started = _LOOK_EVERY, -_SOON
    while True:
        await asyncio.sleep(wait)
        code = server.exit_code()
        if code is None:
            continue
        # One that was killed starts again; one that gave up has a reason that may stay.
        gave_up = code > 0 and time.monotonic() - started < _SOON
        why = f": {server.last_words()}" if gave_up else ""
        wait = min(2 * wait, _SOON / 2) if gave_up else _LOOK_EVERY
        if server.revive():
            started = time.monotonic()
            print(f"Postgres had ended; it was started again{why}", flush=True)


def _when_it_answers(act: Callable[[], None]) -> None:
    said = ""
    while True:
        try:
            act()
            return
        except DatabaseAway as error:
            if str(error) != said:
                said = str(error)
                print(f"Zoe waits for its database: {said}", flush=True)
        time.sleep(_TRY_AGAIN)
