"""The right to act as the master: one lock, one epoch, and noticing at once when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import psycopg2
from sqlalchemy import Connection, Row, Select, func, select, text, update

from zoe_store.database import Database, saying_away
from zoe_store.tables import deployment

MASTER_LOCK = 0x5A6F6503

# How Postgres shows an advisory lock with a 64-bit key: its halves, and objsubid 1 (pg_locks).
_OURS = text(
    "select exists (select from pg_locks where locktype = 'advisory' and granted"
    " and database = (select oid from pg_database where datname = current_database())"
    " and classid = 0 and objid = :key and objsubid = 1 and pid = :pid)"
)


class OutOfOffice(Exception):
    """This master is no longer the acting one: it must stop all effects at once."""


class Office:
    """An advisory lock, held by one connection, and an epoch.

    Postgres gives the lock up when that connection ends, however it ends. Every transaction of the
    master checks the epoch, so one that lost its lock without knowing cannot write any more. What
    it read may be outdated a moment later: before anything that is not a transaction it asks
    ``require``, which looks only into memory, where ``listen`` and ``confirm`` note that the lock
    is gone. Nothing is ever asked on the lock's own connection, so whatever can be read from it
    means its end.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._pid = 0  # of the server process that holds the lock
        self._lost = "this master is not in office"
        self.epoch = 0
        self.deployment = ""

    def try_take(self) -> bool:
        """Become the acting master; False while another one is. Raises DatabaseAway."""
        with saying_away():
            connection = self._database.engine.connect()
            try:
                row = _take(connection)
            except BaseException:
                # It may hold the lock, which outlasts any transaction: not back into the pool.
                connection.invalidate()
                connection.close()
                raise
            if row is None:
                connection.close()
                return False
        self._connection = connection
        self.epoch, self.deployment, self._pid = row.epoch, row.uuid, row.pid
        self._lost = ""
        return True

    def require(self) -> None:
        """Raise OutOfOffice when this master may not act; looks only into memory."""
        if self._lost:
            raise OutOfOffice(self._lost)

    def fileno(self) -> int:
        """The socket of the lock's connection: wait until it is readable, then ``listen``."""
        self.require()
        return int(self._raw().fileno())

    def listen(self) -> None:
        """Take in what came on the lock's connection; never blocks. Raises OutOfOffice."""
        self.require()
        try:
            self._raw().poll()
        except psycopg2.Error as error:
            self.lose(f"the connection that holds the master's lock has ended: {error}".strip())

    def confirm(self) -> None:
        """Ask Postgres, by another connection, who holds the lock.

        Finds out about a connection whose other end has vanished without a word. Raises
        OutOfOffice, DatabaseAway.
        """
        self.require()
        with self._database.transaction() as connection:
            ours = connection.scalar(_OURS, {"key": MASTER_LOCK, "pid": self._pid})
        if not ours:
            self.lose("Postgres has given the master's lock back")

    def lose(self, why: str) -> NoReturn:
        """From now on this master does not act; raises OutOfOffice."""
        self._lost = self._lost or why
        raise OutOfOffice(self._lost)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction of the acting master; raises OutOfOffice when it is not, DatabaseAway."""
        # Shared: a new master's `epoch + 1` waits until this transaction has ended.
        with self._checked(self._mine().with_for_update(read=True)) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """``transaction`` for reads alone: another master may take over before it has ended.

        It locks no row, so it leaves nothing that a commit would have to bring to the disk.
        """
        with self._checked(self._mine()) as connection:
            yield connection

    def leave(self) -> None:
        """Give the lock back."""
        self._lost = self._lost or "this master is not in office"
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _mine(self) -> Select[Any]:
        return select(deployment.c.epoch).where(deployment.c.epoch == self.epoch)

    @contextmanager
    def _checked(self, mine: Select[Any]) -> Iterator[Connection]:
        self.require()
        with self._database.transaction() as connection:
            if connection.scalar(mine) is None:
                self.lose(f"another master has taken over from epoch {self.epoch}")
            yield connection

    def _raw(self) -> psycopg2.extensions.connection:
        assert self._connection is not None
        return self._connection.connection.driver_connection


def _take(connection: Connection) -> Row[Any] | None:
    """Lock, and count the epoch up: epoch, uuid and pid; None while another master has the lock."""
    connection.execution_options(isolation_level="AUTOCOMMIT")
    if not connection.scalar(select(func.pg_try_advisory_lock(MASTER_LOCK))):
        return None
    return connection.execute(
        update(deployment)
        .values(epoch=deployment.c.epoch + 1)
        .returning(deployment.c.epoch, deployment.c.uuid, func.pg_backend_pid().label("pid"))
    ).one()
