"""The connection to Postgres, and the one error that the rest of Zoe handles: it is away."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic_core import to_json
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from zoe_store.driver import ANSWER_WITHIN, connect_arguments
from zoe_store.urls import checked_url


class DatabaseAway(Exception):
    """Postgres cannot be reached or does not do it now; the same call may succeed later."""


class DatabaseFull(DatabaseAway):
    """The disk of Postgres is full: it cannot write until somebody makes room."""


class DatabaseBusy(DatabaseAway):
    """Postgres has no connection, lock or time for us now."""


@contextmanager
def saying_away() -> Iterator[None]:
    """Turn all ways in which the driver says "not now" into DatabaseAway or a kind of it."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseBusy("all connections to it are in use") from error
    except DBAPIError as error:
        kind = _kind_of(error)
        if kind is None:
            raise
        raise kind(" ".join(str(error.orig).split())) from error  # one line for the log


# By SQLSTATE, the longest prefix first: https://www.postgresql.org/docs/current/errcodes-appendix.html
_KINDS: tuple[tuple[str, type[DatabaseAway]], ...] = (
    ("53100", DatabaseFull),  # disk_full
    ("53", DatabaseBusy),  # insufficient resources, such as connections or memory
    ("55P03", DatabaseBusy),  # lock_not_available
    ("57014", DatabaseBusy),  # query_canceled: it took longer than the limit
    ("08", DatabaseAway),  # connection exceptions
    ("57P", DatabaseAway),  # shutdowns
    ("25006", DatabaseAway),  # read_only_sql_transaction: a standby answers in its place
)

# Who is refused a connection gets only text, without a SQLSTATE.
_TOO_MANY = re.compile(r"too many (clients|connections)|remaining connection slots")


def _kind_of(error: DBAPIError) -> type[DatabaseAway] | None:
    """Other errors, such as a value too long for an index, stay errors."""
    state = getattr(error.orig, "pgcode", None)
    if state is not None:
        for prefix, kind in _KINDS:
            if state.startswith(prefix):
                return kind
    elif _TOO_MANY.search(str(error.orig)):
        return DatabaseBusy
    elif isinstance(error, OperationalError | InterfaceError):
        return DatabaseAway  # it was never reached
    return DatabaseAway if error.connection_invalidated else None


class _Gate:
    """While Postgres hangs, one at a time finds out whether it still does; nobody else waits.

    Else all threads of a process would soon hang with it, and answer nobody.
    """

    def __init__(self) -> None:
        self._hangs = False
        self._trying = threading.Lock()

    @contextmanager
    def passage(self) -> Iterator[None]:
        alone = self._hangs
        if alone and not self._trying.acquire(blocking=False):
            raise DatabaseAway("it does not answer")
        started = time.monotonic()
        hangs = False
        try:
            yield
        except DatabaseAway as error:
            hangs = type(error) is DatabaseAway and time.monotonic() - started > ANSWER_WITHIN / 2
            raise
        finally:
            self._hangs = hangs
            if alone:
                self._trying.release()


def _json(value: object) -> str:
    """As ``json.dumps`` has it, in a third of the time: descriptions are large."""
    return to_json(value).decode()


class Database:
    """A pool of connections to one database, given as an SQLAlchemy URL.

    A ``patient`` one waits for ever where others give up: for migrations. Raises InvalidUrl.
    """

    def __init__(self, url: str, *, pool_size: int = 20, patient: bool = False) -> None:
        self._gate = _Gate()
        place = make_url(checked_url(url))
        options = place.query.get("options", "")
        self.engine = create_engine(
            place,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=ANSWER_WITHIN,
            json_serializer=_json,
            hide_parameters=True,  # they hold launch secrets, and errors are logged
            connect_args=connect_arguments(str(options), patient=patient),
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed, durably, when the block is left without an error.

        Raises DatabaseAway when Postgres is not there. If that happens while committing, whether
        the transaction took place is unknown: what callers write must bear being written again.
        """
        with self._gate.passage(), saying_away(), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


_DOUBTS = {
    "fsync": "a power failure may destroy the database, with all that was promised to users",
    "full_page_writes": "a power failure may damage the database beyond repair",
    "synchronous_commit": "what was acknowledged may be lost when Postgres or its machine crashes; "
    "Zoe switches it on for itself, but a connection pooler between them may not pass that on",
}


def durability_doubts(connection: Connection) -> list[str]:
    """A sentence for each setting of the server with which commits are not durable."""
    return [
        f"Postgres runs with {setting}=off: {meaning}."
        for setting, meaning in _DOUBTS.items()
        if connection.scalar(text(f"SHOW {setting}")) == "off"
    ]
