"""How we talk to Postgres through psycopg2: durably, and never waiting for ever.

psycopg2 itself has no deadline: a server that hangs, or a network that swallows packets, would hold
a thread for good. Its wait callback (https://www.psycopg.org/docs/advanced.html#green-support)
hands the waiting to us, for all connections of the process; only those of our class have a
deadline. A connection that misses it is closed by psycopg2.
"""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg2
from psycopg2 import extensions

ANSWER_WITHIN = 10.0
"""Seconds that Postgres has for a connection or a statement, before it counts as away."""

# Postgres gives up before we do, and then says why.
_STATEMENT_LIMIT = 8.0  # seconds, waiting for locks included
# A process of ours that was stopped in the middle must not keep its locks from the others.
_IDLE_LIMIT = 5.0  # seconds between two statements of a transaction

# Seconds until a peer that vanished is noticed: 5 of silence, then two probes 2 seconds apart.
_KEEPALIVE = {"idle": 5, "interval": 2, "count": 2}
_UNACKNOWLEDGED = 10_000  # milliseconds until sent data counts as lost


class BoundedConnection(extensions.connection):
    """Waits no longer than ``patience`` seconds for each answer; None: for ever."""

    patience: float | None = ANSWER_WITHIN


class PatientConnection(BoundedConnection):
    """For migrations, which take as long as the tables are large."""

    patience = None


def connect_arguments(
    options: str = "", *, patient: bool = False, may_idle: bool = False
) -> dict[str, Any]:
    """The keyword arguments of ``psycopg2.connect``; ``options`` come before ours (see libpq).

    The server watches over the connection as we do: it would otherwise keep the locks of a machine
    that lost its power for hours. ``may_idle``: a transaction may stay open without end.
    """
    settings: dict[str, object] = {
        "synchronous_commit": "on",
        "tcp_user_timeout": _UNACKNOWLEDGED,
        **{f"tcp_keepalives_{name}": value for name, value in _KEEPALIVE.items()},
    }
    if not patient:
        settings["statement_timeout"] = int(1000 * _STATEMENT_LIMIT)
    if not (patient or may_idle):
        settings["idle_in_transaction_session_timeout"] = int(1000 * _IDLE_LIMIT)
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {
        "application_name": "zoe",
        "connection_factory": PatientConnection if patient else BoundedConnection,
        "keepalives": 1,
        **{f"keepalives_{name}": value for name, value in _KEEPALIVE.items()},
        "options": f"{options} {ours}".strip(),
        "tcp_user_timeout": _UNACKNOWLEDGED,
    }


def _wait(connection: Any) -> None:
    """Wait until ``connection`` has done what it does; raises OperationalError at the deadline."""
    patience = getattr(connection, "patience", None)
    deadline = None if patience is None else time.monotonic() + patience
    while (state := connection.poll()) != extensions.POLL_OK:
        poller = select.poll()  # not select(): that knows no descriptor above 1023
        poller.register(
            connection.fileno(),
            select.POLLIN if state == extensions.POLL_READ else select.POLLOUT,
        )
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not poller.poll(None if left is None else 1000 * left):
            raise psycopg2.OperationalError(f"no answer within {patience:g} seconds")


extensions.set_wait_callback(_wait)
