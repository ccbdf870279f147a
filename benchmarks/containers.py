"""How soon Zoe's containers run and are gone, next to the docker SDK and to DockerSpawner.

    python benchmarks/containers.py [--json]

Needs a Docker Engine (DOCKER_HOST, or the usual socket) with the gallery's images (`make images`).
README.md says what is measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import docker
from docker.errors import DockerException, ImageNotFound
from sqlalchemy import bindparam, text
from support.bare_docker import BareDocker
from support.docker_spawner import NOTEBOOK_IMAGE, docker_spawner
from support.figures import Report
from support.running_hub import RunningHub
from support.running_zoe import API, RunningZoe, running_zoe

from zoe_store.database import Database

AT_A_TIME = (1, 8)
ROUNDS = {1: 15, 8: 7}
NOTEBOOKS = 9
IMAGE, COMMAND = "debian:bookworm-slim", ("sleep", "infinity")
LOCAL = "unix:///var/run/docker.sock"

SLEEPER = {
    "name": "sleeper",
    "version": 4,
    "services": [
        {
            "name": "sleeper",
            "image": IMAGE,
            "monitor": True,
            "total_count": 1,
            "essential_count": 1,
            "command": " ".join(COMMAND),
        }
    ],
}
"""One container that does nothing."""

_MOMENTS = text(
    "select extract(epoch from max(started_at)), extract(epoch from max(ended_at)), "
    "count(started_at), count(ended_at) from executions where id in :ids"
).bindparams(bindparam("ids", expanding=True))


def main() -> None:
    """Measure, and print each result as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    columns = ("case", "zoe_ms", "peer_ms", "ratio")
    options = parser.parse_args()
    lacking = what_is_lacking()
    if lacking:
        print(f"Containers are not measured: {lacking}", file=sys.stderr)
        return
    report = Report(columns, as_json=options.json)
    with tempfile.TemporaryDirectory(prefix="zoe-benchmark-") as directory:
        measure_sleepers(Path(directory, "sleepers"), report)
        measure_notebooks(Path(directory, "notebooks"), report)
    report.note(f"Load of the machine over the last minute: {os.getloadavg()[0]:.1f}")


def what_is_lacking() -> str:
    """Why nothing can be measured here; empty if all is there."""
    try:
        with closing(docker.DockerClient(base_url=os.environ.get("DOCKER_HOST", LOCAL))) as client:
            for image in (IMAGE, NOTEBOOK_IMAGE):
                client.images.get(image)
    except ImageNotFound:
        return f"the engine does not have {image} (make images)."
    except DockerException:
        return "no Docker Engine answers."
    return ""


def measure_sleepers(directory: Path, report: Report) -> None:
    """Waves of containers by Zoe and by the SDK in turn, so that both meet the same noise."""
    workspace = directory / "bare"
    workspace.mkdir(parents=True)
    url = os.environ.get("DOCKER_HOST", LOCAL)
    with (
        running_zoe(directory, "docker") as zoe,
        zoe.master(),
        closing(Database(zoe.database_url)) as database,
        BareDocker(url, IMAGE, COMMAND, workspace) as bare,
    ):
        for count in AT_A_TIME:
            waves = [(wave(zoe, database, count), bare.wave(count)) for _ in range(ROUNDS[count])]
            for at, case in enumerate(("start", "end")):
                ours = [zoe_wave[at] for zoe_wave, _ in waves]
                peers = [bare_wave[at] for _, bare_wave in waves]
                add(report, f"{case} {count}", ours, peers)


def measure_notebooks(directory: Path, report: Report) -> None:
    """From POST to ready, in turn: Zoe, and DockerSpawner behind two proxies."""
    (directory / "zoe").mkdir(parents=True)
    with (
        running_zoe(directory / "zoe", "docker") as zoe,
        zoe.master(),
        docker_spawner(directory / "stock", "traefik_file") as stock,
        docker_spawner(directory / "same", "zoe") as same,
    ):
        hubs = (zoe, stock, same)
        for hub in hubs:  # the first start reads the image's files from the disk
            start_and_stop(hub)
        rounds = [[start_and_stop(hub) for hub in hubs] for _ in range(NOTEBOOKS)]
        ours, stocks, sames = zip(*rounds, strict=True)
        add(report, "notebook", ours, stocks)
        add(report, "notebook, same proxy", ours, sames)


def start_and_stop(hub: RunningHub) -> float:
    """Seconds that a server took."""
    seconds = hub.start_server()
    hub.stop_server()
    return seconds


def wave(zoe: RunningZoe, database: Database, count: int) -> tuple[float, float]:
    """Seconds from the first POST until ``count`` run, from the first DELETE until all is gone."""
    with ThreadPoolExecutor(count) as pool:
        began = time.time()
        posts = pool.map(lambda _: submit(zoe), range(count))
        ids = list(posts)
        running = await_moment(database, ids, "started") - began
        began = time.time()
        list(pool.map(lambda each: zoe.call("DELETE", f"{API}/executions/{each}"), ids))
        return running, await_moment(database, ids, "ended") - began


def submit(zoe: RunningZoe) -> int:
    """Launch one; its id."""
    found: int = zoe.call("POST", f"{API}/executions", {"description": SLEEPER})["id"]
    return found


def await_moment(database: Database, ids: list[int], which: str) -> float:
    """Wait until all have started, or ended; when the last did, in seconds since 1970."""
    while True:
        with database.transaction() as connection:
            started, ended, many_started, many_ended = connection.execute(
                _MOMENTS, {"ids": ids}
            ).one()
        if which == "started" and many_started == len(ids):
            return float(started)
        if many_ended == len(ids):
            if which == "started":
                raise SystemExit(f"The executions {ids} have ended before they ran.")
            return float(ended)
        time.sleep(0.02)


def add(report: Report, case: str, ours: Sequence[float], peers: Sequence[float]) -> None:
    """Report the medians, in milliseconds."""
    zoe, peer = (round(1000 * statistics.median(each), 1) for each in (ours, peers))
    report.add({"case": case, "zoe_ms": zoe, "peer_ms": peer, "ratio": round(zoe / peer, 2)})


if __name__ == "__main__":
    main()
