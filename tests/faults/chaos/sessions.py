"""The sessions that Zoe has with its database, as the server sees them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
import psycopg2.extensions
from sqlalchemy import make_url

from zoe_store.driver import connect_arguments


def pids(database_url: str) -> list[int]:
    """Their process ids; none when the server does not answer."""
    with _asking(database_url) as cursor:
        if cursor is not None:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'zoe' "
                "AND pid <> pg_backend_pid() ORDER BY pid"
            )
            return [pid for (pid,) in cursor.fetchall()]
    return []


def cut(database_url: str, pid: int) -> None:
    """Let the server end one, if both are there."""
    with _asking(database_url) as cursor:
        if cursor is not None:
            cursor.execute("SELECT pg_terminate_backend(%s)", (pid,))


@contextmanager
def _asking(database_url: str) -> Iterator[psycopg2.extensions.cursor | None]:
    url = make_url(database_url)
    try:
        connection = psycopg2.connect(
            host=url.query.get("host") or url.host,
            port=url.port,
            user=url.username,
            password=url.password,
            dbname=url.database,
            # It may be frozen.
            **connect_arguments(),
        )
    except psycopg2.OperationalError:
        yield None
        return
    with closing(connection):
        try:
            yield connection.cursor()
        except psycopg2.Error:
            return
