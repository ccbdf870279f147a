"""The bare commit rate of a Postgres: durable INSERTs of one row, each a transaction of its own.

A process of its own, without anything of Zoe. Reads ``{"url", "clients", "seconds"}`` as JSON from
standard input, writes ``{"seconds", "latencies"}``, both in seconds.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import closing

import psycopg2


def commit_until(url: str, end: float, latencies: list[float]) -> None:
    """One client: it commits as fast as it can on a connection of its own."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO on")
            while (began := time.perf_counter()) < end:
                cursor.execute("INSERT INTO bare_commits (at) VALUES (now())")
                latencies.append(time.perf_counter() - began)


def main() -> None:
    """Run the clients in threads: psycopg2 lets go of the interpreter while it waits."""
    order = json.load(sys.stdin)
    with closing(psycopg2.connect(order["url"])) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bare_commits (id bigserial, at timestamptz)")
        connection.commit()
    latencies: list[float] = []
    began = time.perf_counter()
    arguments = (order["url"], began + order["seconds"], latencies)
    clients = [
        threading.Thread(target=commit_until, args=arguments) for _ in range(order["clients"])
    ]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    json.dump({"seconds": time.perf_counter() - began, "latencies": latencies}, sys.stdout)


if __name__ == "__main__":
    main()
