"""PySpark notebooks from the portal: the kernel's session runs on the execution's workers."""

import re
import shutil
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest

from tests.support.container_zoe import API, ContainerZoe, Person, container_zoe
from tests.support.docker_engine import TEST_IMAGE
from tests.support.running_zoe import ROOT
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(400)

PATIENCE = 120.0
MB = 2**20
# Master, one worker and notebook; and either another worker, or something else of its size.
ROOM = (384 + 1024 + 1024 + 1024 + 100) * MB

SESSION = """
from pyspark.sql import SparkSession
context = SparkSession.builder.getOrCreate().sparkContext
print(context.applicationId, context.master)
"""
# Each worker leaves a trace. The first one comes to a part that waits for `finish`: all others are
# left to the second one, which holds their results when it is taken away.
COUNT = """
import socket, threading, time
from pathlib import Path
HERE, PARTS = Path.cwd(), 30

def count(part, words):
    worker = socket.gethostname()
    (HERE / f"seen-{worker}").touch()
    deadline = time.monotonic() + 200
    while part > 5 and worker.startswith("spark-worker-0") and not (HERE / "finish").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("nobody said finish")
        time.sleep(0.1)
    return [(word, 1) for word in words]

counts = []
def run():
    words = context.parallelize("to be or not to be".split() * 1000, PARTS)
    pairs = words.mapPartitionsWithIndex(count)
    counts.extend(pairs.reduceByKey(lambda one, other: one + other).collect())

job = threading.Thread(target=run)
job.start()
"""


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerZoe]:
    """Workers may be taken back at once: no test waits for the minute that they have."""
    directory = tmp_path_factory.mktemp("spark")
    gallery = directory / "gallery"
    for slug in ("jupyter", "pyspark-notebook"):
        shutil.copytree(ROOT / "zapp_gallery" / slug, gallery / slug)
    description = gallery / "pyspark-notebook" / "zapp.json"
    description.write_text(description.read_text().replace('"min_hold": 60', '"min_hold": 1'))
    more = f"""
from pathlib import Path
from zapp_gallery.loader import load_gallery
load_gallery.__defaults__ = ((Path({str(gallery)!r}),),)
c.DockerBackend.engines[0]["memory"] = {ROOM}
"""
    with container_zoe(directory / "zoe", "zoe/pyspark-notebook", more=more) as zoe:
        yield zoe


@pytest.fixture(scope="module")
def ada(zoe: ContainerZoe) -> Iterator[Person]:
    with zoe.person("admin") as ada:
        yield ada


@pytest.fixture(scope="module")
def notebook(ada: Person) -> int:
    """A notebook that may have two workers, but got room for one."""
    take_room(ada)
    options = {"zapp": "pyspark-notebook", "parameters": {"workers": 2}}
    return ada.running_server("spark", user_options=options)


@pytest.fixture(scope="module")
def session(ada: Person, notebook: int) -> tuple[str, str]:
    """A kernel that has a Spark session; its id, and the application's."""
    kernel = ada.new_kernel("spark")
    application, master = ada.run("spark", kernel, SESSION).split()
    assert master == f"spark://spark-master-0-{notebook}:7077"
    return kernel, application


def take_room(person: Person) -> int:
    """Launch something that needs as much as a worker; returns its id."""
    service = {
        "name": "main",
        "image": TEST_IMAGE,
        "monitor": True,
        "total_count": 1,
        "essential_count": 1,
        "command": "sleep 600",
        "resources": {
            "memory": {"min": 1024 * MB, "max": 1024 * MB},
            "cores": {"min": 0.1, "max": None},
        },
    }
    zapp = {"name": "room", "version": 4, "will_end": False, "size": 1, "services": [service]}
    order = {"description": zapp, "name": "room"}
    return int(person.json("POST", f"{API}/executions", json=order)["id"])


def page(execution: int, instance: str, port: int) -> str:
    return f"/services/zoe/executions/{execution}/endpoints/{instance}/{port}/"


def executors(person: Person, execution: int, application: str) -> int:
    """How many executors the application has now, as its own page tells."""
    listed = person.json(
        "GET",
        f"{page(execution, 'notebook-0', 4040)}api/v1/applications/{application}/executors",
    )
    return len([each for each in listed if each["id"] != "driver" and each["isActive"]])


def test_spark_s_pages_are_reached_through_the_portal(
    ada: Person, notebook: int, session: tuple[str, str]
) -> None:
    """All links of all pages lead to pages of the same cluster."""
    assert ada.run("spark", session[0], "print(context.parallelize(range(100)).sum())") == "4950\n"
    home = f"/services/zoe/executions/{notebook}/endpoints/"
    waiting = {page(notebook, "spark-master-0", 8080), page(notebook, "notebook-0", 4040)}
    seen: dict[str, int] = {}
    while waiting:
        path = waiting.pop()
        answer = ada.client.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
        seen[path] = answer.status_code
        assert answer.is_success, (path, answer.status_code, answer.text[:500], seen)
        if "text/html" not in answer.headers["Content-Type"]:
            continue
        for link in re.findall(r"""(?:href|src)=["']([^"'#]+)["']""", answer.text):
            there = urlsplit(urljoin(str(answer.url), link))
            if there.netloc == urlsplit(ada.zoe.url).netloc and "kill" not in there.path:
                assert there.path.startswith((home, "/services/zoe/")), (path, link)
                waiting |= {f"{there.path}?{there.query}".rstrip("?")} - seen.keys()
    assert len(seen) > 10


def test_a_job_of_the_notebook_uses_the_workers_that_are_there(
    zoe: ContainerZoe, ada: Person, notebook: int, session: tuple[str, str]
) -> None:
    kernel, application = session
    workspace = zoe.directory / "workspaces" / "admin"
    ada.run("spark", kernel, COUNT)
    eventually((workspace / f"seen-spark-worker-0-{notebook}").exists, PATIENCE, zoe.output)
    assert executors(ada, notebook, application) == 1

    # There is room for another worker: the job that runs uses it.
    ada.json("DELETE", f"{API}/executions/{ada.execution('room')['id']}")
    eventually((workspace / f"seen-spark-worker-1-{notebook}").exists, PATIENCE, zoe.output)
    assert executors(ada, notebook, application) == 2

    # Somebody else needs the room: the worker hands on what it has done, and goes.
    other = take_room(ada)
    eventually(lambda: ada.execution("room")["status"] == "running", PATIENCE, zoe.output)
    assert ada.execution("room")["id"] == other
    assert f"spark-worker-1-{notebook}" not in zoe.containers(notebook)
    assert executors(ada, notebook, application) == 1
    (workspace / "finish").touch()
    printed = ada.run("spark", kernel, "job.join()\nprint(sorted(counts))")
    assert printed == "[('be', 2000), ('not', 1000), ('or', 1000), ('to', 2000)]\n"
    assert len(zoe.containers(notebook)) == 3
