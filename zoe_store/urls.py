"""The address of a database, as people give it."""

from __future__ import annotations

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError


class InvalidUrl(ValueError):
    """What was given is no address of a Postgres database; the message goes on from its name."""


def checked_url(given: str) -> str:
    """The SQLAlchemy URL, with the driver that is installed. Raises InvalidUrl.

    SQLAlchemy would take another driver by default.
    """
    try:
        url = make_url(given)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "postgresql" or not url.database:
        raise InvalidUrl(
            "is no address of a Postgres database; give one such as postgresql://user@host/zoe"
        )
    return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
