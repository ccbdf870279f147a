"""How fast Zoe takes submissions, next to Postgres' bare commit rate, and how soon it acts on them.

    python benchmarks/submit.py [--json]

Starts all that it needs in a temporary directory and takes about two minutes. README.md says what
is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from support.commits import bare_commits
from support.figures import Report, quantiles, rate
from support.in_a_process import in_a_process
from support.running_zoe import API, USER, RunningZoe, running_zoe

from zapp_gallery.loader import load_gallery
from zoe_core.zapp import apply_parameters, zapp_document
from zoe_store.database import Database
from zoe_store.submissions import NewExecution
from zoe_store.submitter import Submitter

CLIENTS = (1, 4, 16, 64)
SECONDS = 5.0
WARM_UP = 1.0
STARTS = 50
IDLE = 0.3
"""Seconds between two starts: enough for all that one causes to end."""

ZAPP, PARAMETERS = "spark-job", {"workers": 3}


def main() -> None:
    """Measure, and print each result as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    report = Report(
        ("path", "clients", "per_s", "p50_ms", "p99_ms", "bare_per_s", "ratio"),
        as_json=parser.parse_args().json,
    )
    with (
        tempfile.TemporaryDirectory(prefix="zoe-benchmark-") as directory,
        running_zoe(Path(directory)) as zoe,
        closing(Database(zoe.database_url)) as database,
    ):
        for clients in CLIENTS:
            measure_rates(zoe, database, clients, report)
        forget_executions(database)
        with zoe.master():
            measure_reaction(zoe, database, report)
    report.note(f"Load of the machine over the last minute: {os.getloadavg()[0]:.1f}")


def measure_rates(zoe: RunningZoe, database: Database, clients: int, report: Report) -> None:
    """The bare commit rate, then that of submissions straight to the store, then through REST."""
    bare = round(bare_commits(libpq_url(database), clients, SECONDS), 1)
    for path, measured in (
        ("store", asyncio.run(submit_to_store(database, clients))),
        ("rest", submit_to_rest(zoe, clients)),
    ):
        found = rate(measured["latencies"], measured["seconds"])
        ratio = f"{float(found['per_s']) / bare:.2f}"
        result = {"path": path, "clients": clients, **found, "bare_per_s": bare}
        report.add(result, ratio=ratio)


async def submit_to_store(database: Database, clients: int) -> dict[str, Any]:
    """As the portal does it: tasks of one event loop share a submitter."""
    entry = load_gallery()[ZAPP]
    description = zapp_document(apply_parameters(entry.zapp, entry.parameters, PARAMETERS))
    latencies: list[float] = []

    async def submit_until(end: float) -> None:
        while (began := time.perf_counter()) < end:
            key = uuid4().hex
            await submitter.submit(
                NewExecution(USER, ZAPP, ZAPP, description, PARAMETERS, None, key, key)
            )
            latencies.append(time.perf_counter() - began)

    submitter = Submitter(database)
    await asyncio.gather(*(submit_until(time.perf_counter() + WARM_UP) for _ in range(clients)))
    latencies.clear()
    began = time.perf_counter()
    await asyncio.gather(*(submit_until(began + SECONDS) for _ in range(clients)))
    seconds = time.perf_counter() - began
    await submitter.close()
    return {"seconds": seconds, "latencies": latencies}


def submit_to_rest(zoe: RunningZoe, clients: int) -> dict[str, Any]:
    """Through the Hub's proxy and the portal, each request with a key of its own."""
    order = {
        "host": "127.0.0.1",
        "port": zoe.port,
        "path": f"{API}/executions",
        "token": zoe.token,
        "body": {"zapp": ZAPP, "parameters": PARAMETERS},
        "clients": clients,
    }
    in_a_process("load.py", {**order, "seconds": WARM_UP})
    found: dict[str, Any] = in_a_process("load.py", {**order, "seconds": SECONDS})
    return found


def measure_reaction(zoe: RunningZoe, database: Database, report: Report) -> None:
    """On an idle portal: from the commit to the decision, and from the request to the process."""
    decided, started = [], []
    for _ in range(STARTS):
        time.sleep(IDLE)
        execution_id, seconds = start_clock(zoe)
        started.append(seconds)
        decided.append(seconds_to_decide(database, execution_id))
    for path, latencies in (("decide", decided), ("start", started)):
        report.add({"path": path, "clients": 1, **quantiles(latencies)})


def start_clock(zoe: RunningZoe) -> tuple[int, float]:
    """Launch ``CLOCK``: its id, and how many seconds later its process looked at a clock."""
    submitted_at = time.time()
    execution_id = zoe.call("POST", f"{API}/executions", {"description": CLOCK})["id"]
    time.sleep(IDLE)  # nobody asks while it starts
    address = f"{API}/executions/{execution_id}"
    zoe.wait_for(lambda: zoe.call("GET", address)["status"] in ("terminated", "error"))
    return execution_id, float(zoe.read(f"{address}/instances/clock-0/logs")) - submitted_at


CLOCK = {
    "name": "clock",
    "version": 4,
    "services": [
        {
            "name": "clock",
            "image": "shell",
            "monitor": True,
            "total_count": 1,
            "essential_count": 1,
            "command": "date +%s.%N",
        }
    ],
}
"""Its one process says when it was started."""


def seconds_to_decide(database: Database, execution_id: int) -> float:
    """From just before the commit of the submission to the decision that starts it."""
    query = text(
        "select extract(epoch from (select min(at) from events where execution_id = :id and "
        "kind = 'status') - submitted_at) from executions where id = :id"
    )
    with database.transaction() as connection:
        return float(connection.scalar(query, {"id": execution_id}))


def forget_executions(database: Database) -> None:
    """Or the master would begin with a hundred thousand Spark jobs."""
    with database.transaction() as connection:
        connection.execute(text("truncate executions cascade"))


def libpq_url(database: Database) -> str:
    """The database's address as libpq reads it."""
    return database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
