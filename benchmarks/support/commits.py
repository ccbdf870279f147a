"""The bare commit rate of a Postgres: durable INSERTs of one row, each a transaction of its own.

Measured with Postgres' own ``pgbench``, whose clients cost next to nothing: it shares the machine
with the server. https://www.postgresql.org/docs/current/pgbench.html
"""

from __future__ import annotations

import re
import subprocess
from contextlib import closing

import psycopg2

from zoe_store.postgres_programs import find_programs

_THREADS = 2  # of pgbench, for all clients together
_INSERT = "INSERT INTO bare_commits (at) VALUES (now());"
_RATE = re.compile(r"^tps = ([0-9.]+) \(without initial connection time\)$", re.MULTILINE)


def bare_commits(url: str, clients: int, seconds: float) -> float:
    """Commits a second; ``url`` is for libpq, and holds no password, for others can see it."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bare_commits (id bigserial, at timestamptz)")
        connection.commit()
    return float(_RATE.findall(_pgbench(url, clients, seconds))[0])


def _pgbench(url: str, clients: int, seconds: float) -> str:
    command = [find_programs().path("pgbench"), "--no-vacuum", "--protocol=prepared"]
    command += [f"--client={clients}", f"--jobs={min(clients, _THREADS)}"]
    command += [f"--time={round(seconds)}", "--file=-", url]
    done = subprocess.run(command, input=_INSERT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit("pgbench has failed")
    return done.stdout
