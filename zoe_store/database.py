"""The connection to Postgres, and the one error that the rest of Zoe handles: it is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class DatabaseAway(Exception):
    """Postgres cannot be reached or is shutting down; the same call may succeed later."""


@contextmanager
def saying_away() -> Iterator[None]:
    """Turn all ways in which the driver says that Postgres is not there into DatabaseAway."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseAway("all connections to it are busy") from error
    except DBAPIError as error:
        if error.connection_invalidated or _is_away(error):
            raise DatabaseAway(str(error.orig)) from error
        raise


def _is_away(error: DBAPIError) -> bool:
    """By its SQLSTATE: connection exceptions and shutdowns; none at all: it was never reached.

    Other operational errors, such as a full disk or a value too long for an index, stay errors.
    """
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.orig, "pgcode", None)
    return state is None or state.startswith(("08", "57P"))


class Database:
    """A pool of connections to one database, given as an SQLAlchemy URL."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,  # they hold launch secrets, and errors are logged
            connect_args={"connect_timeout": 5, "application_name": "zoe"},
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed, durably, when the block is left without an error.

        Raises DatabaseAway when Postgres is not there. If that happens while committing, whether
        the transaction took place is unknown: what callers write must bear being written again.
        """
        with saying_away(), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()
