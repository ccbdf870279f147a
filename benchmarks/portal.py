"""What many people do to the portal: open event streams, launches by the clock, servers at once.

    python benchmarks/portal.py [--users 500] [--rate 50] [--seconds 60] [--servers 200] [--json]

Starts all that it needs in a temporary directory, with the fake back-end, and takes about four
minutes. README.md says what is measured.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import text
from support.cpu import cpu_of
from support.figures import Figures, Report, quantiles
from support.in_a_process import in_a_process
from support.running_zoe import API, RunningZoe, running_zoe

from zoe_store.database import Database

SCOPES = ["access:services!service=zoe", "custom:zoe:launch-own"]
BODY = {
    "description": {
        "name": "short",
        "version": 4,
        "services": [
            {
                "name": "job",
                "image": "any",
                "monitor": True,
                "total_count": 1,
                "essential_count": 1,
                "resources": {"memory": {"min": 2**26}, "cores": {"min": 0.1}},
                "command": "sleep 1",
            }
        ],
    }
}
"""What everybody launches; it runs for a second."""

MANY_NODES = "c.FakeBackend.node_count = 10"
LITTLE_ROOM = """
c.FakeBackend.node_count = 1
c.FakeBackend.node_memory = 2 * 2**30
"""
WAITING = 10.0
"""Seconds for which servers wait in the queue, to see what that costs."""

COLUMNS = (
    "case",
    "launches",
    "problems",
    "p50_ms",
    "p99_ms",
    "ratio",
    "told_p99_ms",
    "hub_cpu_s",
    "portal_cpu_s",
    "master_cpu_s",
    "postgres_cpu_s",
)


def main() -> None:
    """Measure, and print each result as it comes."""
    options = _options()
    report = Report(COLUMNS, as_json=options.json)
    report.note(f"Load of the machine before: {os.getloadavg()[0]:.1f}")
    with (
        tempfile.TemporaryDirectory(prefix="zoe-benchmark-") as directory,
        running_zoe(Path(directory), "fake", MANY_NODES) as zoe,
        zoe.master(),
    ):
        measure_launches(zoe, options, report)
    with (
        tempfile.TemporaryDirectory(prefix="zoe-benchmark-") as directory,
        running_zoe(Path(directory), "fake", LITTLE_ROOM) as zoe,
        zoe.master(),
    ):
        measure_servers(zoe, options.servers, report)
    report.note(f"Load of the machine, over the last minute: {os.getloadavg()[0]:.1f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--users", type=int, default=500, help="people with a stream each")
    parser.add_argument("--rate", type=float, default=50.0, help="launches a second, of all")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they launch")
    parser.add_argument("--servers", type=int, default=200, help="servers that start at once")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args()


def measure_launches(zoe: RunningZoe, options: argparse.Namespace, report: Report) -> None:
    """Launches without streams, streams without launches, and both."""
    order = {
        "url": zoe.url,
        "api": API,
        "tokens": make_people(zoe, options.users),
        "body": BODY,
        "rate": options.rate,
        "seconds": options.seconds,
    }
    alone = 0.0
    cases = {"launches": (True, False), "streams": (False, True), "both": (True, True)}
    for case, (launches, streams) in cases.items():
        rate = options.rate if launches else 0.0
        with cpu_of(zoe.pids) as cpu:
            found = in_a_process("portal_load.py", {**order, "rate": rate, "streams": streams})
        result: Figures = {"case": case, "launches": found["launched"], **_figures(found), **cpu}
        p99 = float(result.get("p99_ms", 0.0))
        shown = {"ratio": f"{p99 / alone:.2f}"} if case == "both" else {}
        alone = alone or p99
        report.add(result, **shown)
        for example in found["examples"]:
            report.note(f"  {example}")
        wait_until_idle(zoe)


def make_people(zoe: RunningZoe, count: int) -> list[str]:
    """Users who may launch descriptions of their own; a token of each."""
    names = [f"user{number}" for number in range(count)]
    zoe.administer("POST", "/users", {"usernames": names})
    zoe.administer("POST", "/groups/zoe-power/users", {"users": names})
    body = {"scopes": SCOPES}
    return [zoe.administer("POST", f"/users/{name}/tokens", body)["token"] for name in names]


def _figures(found: dict[str, Any]) -> Figures:
    figures: Figures = {"problems": found["problems"] + found["untold"]}
    if found["latencies"]:
        figures |= quantiles(found["latencies"])
    if found["delays"]:
        figures |= {f"told_{name}": value for name, value in quantiles(found["delays"]).items()}
    return figures


def wait_until_idle(zoe: RunningZoe) -> None:
    """Until all that was launched has ended."""
    zoe.wait_for(lambda: set(states(zoe)) <= {"terminated", "error"})


def states(zoe: RunningZoe) -> dict[str, int]:
    """How many executions are in each state."""
    query = text("select status, count(*) from executions group by status")
    with closing(Database(zoe.database_url)) as database, database.transaction() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def measure_servers(zoe: RunningZoe, count: int, report: Report) -> None:
    """So many people start their server at once, where there is room for few; all are stopped."""
    names = [f"user{number}" for number in range(count)]
    zoe.administer("POST", "/users", {"usernames": names})
    order = {
        "url": zoe.url,
        "token": zoe.own_token,
        "paths": [f"/hub/api/users/{name}/server" for name in names],
    }
    with cpu_of(zoe.pids) as cpu:
        began = time.monotonic()
        answers = in_a_process("all_at_once.py", {**order, "method": "POST"})
        zoe.wait_for(lambda: sum(states(zoe).values()) == count)
        seconds = time.monotonic() - began
    report.add({"case": "start servers", **_accepted(answers), **cpu})
    for example in _refused(answers)[:3]:
        report.note(f"  {example}")
    report.note(f"  all are executions after {seconds:.1f} s")
    with cpu_of(zoe.pids) as cpu:
        time.sleep(WAITING)
    found = states(zoe)
    failed = count - found.get("queued", 0) - found.get("starting", 0) - found.get("running", 0)
    report.add({"case": "servers wait", "launches": count, "problems": failed, **cpu})
    with cpu_of(zoe.pids) as cpu:
        answers = in_a_process("all_at_once.py", {**order, "method": "DELETE"})
        wait_until_idle(zoe)
    report.add({"case": "stop servers", **_accepted(answers), **cpu})


def _accepted(answers: list[dict[str, Any]]) -> Figures:
    latencies = quantiles([each["seconds"] for each in answers])
    return {"launches": len(answers), "problems": len(_refused(answers)), **latencies}


def _refused(answers: list[dict[str, Any]]) -> list[str]:
    return [f"{each['status']} {each['text'][:300]}" for each in answers if not _is_good(each)]


def _is_good(answer: dict[str, Any]) -> bool:
    return answer["status"] in (201, 202, 204)


if __name__ == "__main__":
    main()
