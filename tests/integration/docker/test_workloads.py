"""The gallery's ZApps in their images on a real engine, through all of a master."""

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.support.builders import GB, service, zapp
from tests.support.container_runs import (
    MEMORY,
    ContainerSite,
    Runs,
    appears,
    gallery_zapp,
    runs,
    site,
)
from tests.support.docker_engine import TEST_IMAGE
from zoe_core.zapp import SiteDefaults, ZApp

__all__ = ["runs", "site"]

TEXT = (Path(__file__).parents[3] / "docs" / "architecture.md").read_text(encoding="utf-8")

COUNTS_WORDS = r"""
# In the first rounds every task waits to be let go, later only those of the first worker.
import json, os, re, socket, time
from operator import add
from pathlib import Path
from pyspark.sql import SparkSession

WORKSPACE = Path(os.environ["ZOE_WORKSPACE"])
PARTS = 12

def words(number):
    def of_part(part, lines):
        worker = socket.gethostname().rpartition("-")[0]
        (WORKSPACE / f"round-{number}-{worker}").touch()
        if number < 2 or worker == "spark-worker-0":
            while not (WORKSPACE / f"go-{number}").exists():
                time.sleep(0.05)
        else:
            (WORKSPACE / f"others-{number}-{part}").touch()
        return [(word, 1) for line in lines for word in re.findall(r"\w+", line.lower())]
    return of_part

context = SparkSession.builder.getOrCreate().sparkContext
for number in range(4):
    text = context.textFile((WORKSPACE / "text.md").as_uri(), PARTS)
    counts = text.mapPartitionsWithIndex(words(number)).reduceByKey(add).collectAsMap()
    (WORKSPACE / "draft").write_text(json.dumps(counts))
    (WORKSPACE / "draft").rename(WORKSPACE / f"counts-{number}")
"""

RANKS_TELL = """
import socket
from mpi4py import MPI
hosts = MPI.COMM_WORLD.gather(socket.gethostname())
if MPI.COMM_WORLD.rank == 0:
    print("ran on", *sorted(hosts))
"""

RANKS_SLEEP = """
import time
from mpi4py import MPI
MPI.COMM_WORLD.barrier()
print("asleep", flush=True)
time.sleep(600)
"""


@pytest.mark.timeout(400)  # Java on a slow machine
async def test_each_runs_with_all_defaults(runs: Runs) -> None:
    spark, mpi, notebook = [
        await runs.launch(slug) for slug in ("spark-job", "mpi-job", "notebook-job")
    ]
    assert "Pi is roughly 3.1" in await runs.is_well(notebook, "notebook-0")
    assert "Pi is roughly 3.14159265" in await runs.is_well(mpi, "launcher-0")
    assert re.search(r"^Pi is roughly 3\.1\d+$", await runs.is_well(spark, "spark-submit-0"), re.M)


@pytest.mark.timeout(400)
async def test_spark_counts_words_while_workers_come_and_go(
    runs: Runs, site: ContainerSite
) -> None:
    workspace = site.workspace("carol")
    (workspace / "text.md").write_text(TEXT, encoding="utf-8")
    (workspace / "count.py").write_text(COUNTS_WORDS, encoding="utf-8")
    job = _with(gallery_zapp("spark-job", program="count.py", workers=3), min_hold=1)
    blocker = await runs.start(sleeper(MEMORY - _reserved(job, workers=2)))
    await runs.until(blocker, "running")
    one = await runs.start(job, "carol")

    await appears(workspace, "round-0-*", 2)
    assert await _proceed(workspace, 0) == ["spark-worker-0", "spark-worker-1"]

    await runs.end(blocker)
    await appears(workspace, "round-1-*", 3)
    assert await _proceed(workspace, 1) == [f"spark-worker-{index}" for index in range(3)]

    await appears(workspace, "others-2-*", 10)
    await asyncio.to_thread(site.container(one, "spark-worker-2").kill)
    await runs.instance(one, "spark-worker-2", "exited")
    await _proceed(workspace, 2)

    await appears(workspace, "others-3-*", 10)
    other = await runs.start(sleeper(MEMORY - _reserved(job, workers=1)))
    gone = await runs.gone(one, "spark-worker-1")
    assert (gone.desired, gone.exit_code) == ("absent", -15)
    await runs.until(other, "running")
    await _proceed(workspace, 3)

    await runs.is_well(one, "spark-submit-0")
    await runs.end(other)


async def test_ranks_talk_over_three_containers(runs: Runs, site: ContainerSite) -> None:
    (site.workspace("dan") / "tell.py").write_text(RANKS_TELL)
    spread = {"user": "dan", "workers": 3, "ranks": 3}
    pi, ring, tell = [
        await runs.launch("mpi-job", program=program, **spread)
        for program in ("pi", "ring", "tell.py")
    ]
    assert "Pi is roughly 3.14159265" in await runs.is_well(pi, "launcher-0")
    said = await runs.is_well(ring, "launcher-0")
    assert re.search(r"The token went \d+ times around 3 ranks", said), said
    said = await runs.is_well(tell, "launcher-0")
    assert f"ran on worker-0-{tell} worker-1-{tell} worker-2-{tell}\n" in said


async def test_a_worker_that_is_killed_ends_the_mpi_job(runs: Runs, site: ContainerSite) -> None:
    (site.workspace("erin") / "sleep.py").write_text(RANKS_SLEEP)
    one = await runs.launch("mpi-job", "erin", program="sleep.py", workers=2, ranks=2)
    await runs.until_said(one, "launcher-0", "asleep", times=2)
    await asyncio.to_thread(site.container(one, "worker-1").kill)
    assert await runs.outcome(one) == ("error", "worker-1 was ended by signal 9 (Killed).")
    assert f"The worker worker-1-{one} was lost." in await runs.said(one, "launcher-0")


async def test_a_cell_that_fails_is_the_reason(runs: Runs, site: ContainerSite) -> None:
    workspace = site.workspace("faith")
    cells = [new_code_cell("print('before')"), new_code_cell("{}['year']"), new_code_cell("1")]
    nbformat.write(new_notebook(cells=cells), workspace / "fails.ipynb")
    one = await runs.launch("notebook-job", "faith", notebook="fails.ipynb")
    assert await runs.outcome(one) == (
        "error",
        "notebook-0 has failed: exit code 1; it last said: "
        "Cell 2 failed (In [2]): KeyError: 'year'",
    )
    copy = nbformat.read(workspace / "runs" / f"fails-{one}.ipynb", as_version=4)
    outputs = [output for cell in copy.cells for output in cell.get("outputs", ())]
    assert [output.get("text", output.get("ename")) for output in outputs][-1] == "KeyError"


def sleeper(memory: int) -> ZApp:
    """A ZApp that reserves so many bytes and does nothing."""
    return zapp(service(image=TEST_IMAGE, command="sleep infinity", memory=memory / GB, cores=0.1))


def _with(description: ZApp, **fields: Any) -> ZApp:
    """The description with other fields of its elastic services."""
    services = [
        each.model_copy(update=fields) if each.elastic_count else each
        for each in description.services
    ]
    return description.model_copy(update={"services": tuple(services)})


def _reserved(job: ZApp, workers: int) -> int:
    """The memory, in bytes, that a Spark job holds with so many workers."""
    return sum(
        each.reservation(SiteDefaults()).memory * (workers if each.elastic_count else 1)
        for each in job.services
    )


async def _proceed(workspace: Path, number: int) -> list[str]:
    """Let a round end: its counts must be right; returns the workers that had a part in it."""
    (workspace / f"go-{number}").touch()
    (counts,) = await appears(workspace, f"counts-{number}")
    assert json.loads(counts.read_text()) == Counter(re.findall(r"\w+", TEXT.lower()))
    prefix = f"round-{number}-"
    return sorted(each.name.removeprefix(prefix) for each in workspace.glob(f"{prefix}*"))
