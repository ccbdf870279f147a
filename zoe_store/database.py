"""The connection to Postgres, and the one error that the rest of Zoe handles: it is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError


class DatabaseAway(Exception):
    """Postgres cannot be reached or is shutting down; the same call may succeed later."""


@contextmanager
def saying_away() -> Iterator[None]:
    """Turn all ways in which the driver says that Postgres is not there into DatabaseAway."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise DatabaseAway(str(error.orig)) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseAway(str(error.orig)) from error
        raise


class Database:
    """A pool of connections to one database, given as an SQLAlchemy URL."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
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
