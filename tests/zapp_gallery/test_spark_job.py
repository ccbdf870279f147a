"""spark-job and pyspark-notebook: real clusters, and the parts of their scripts."""

import json
import os
import re
import signal
import stat
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from zoe_spark import command
from zoe_spark.child import run_child
from zoe_spark.leaving import has_children
from zoe_spark.program import ProgramError, find_program
from zoe_spark.settings import (
    bind_address,
    heap,
    process_environment,
    worker_cores,
    write_configuration,
)
from zoe_spark.shared import execution_secret, forget, publish, shared_directory
from zoe_spark.waiting import NotReadyError, wait_for_master, wait_for_text, wait_for_worker

from tests.support.gallery_runs import running
from tests.support.waiting import eventually
from tests.zoe_core.zapp.documents import context as make_context
from zapp_gallery import load_gallery
from zoe_core.cluster import Observed
from zoe_core.zapp import Changes, InstanceSize, amend, render_instance

SESSION = """\
#!/usr/bin/env python3
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("sum", spark.range(10).selectExpr("sum(id)").first()[0], spark.sparkContext.master)
"""


SLOW_COUNT = """\
import os, time
from pathlib import Path
from pyspark.sql import SparkSession

WORKSPACE = Path(os.environ["ZOE_WORKSPACE"])
PARTS = 24

def count(part, words):
    (WORKSPACE / f"seen-{os.environ['ZOE_INSTANCE']}").touch()
    time.sleep(0.5)
    deadline = time.monotonic() + 90
    while part == PARTS - 1 and not (WORKSPACE / "left").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("nobody left")
        time.sleep(0.1)
    return [(word, 1) for word in words]

context = SparkSession.builder.getOrCreate().sparkContext
words = context.parallelize("to be or not to be".split() * 1000, PARTS)
pairs = words.mapPartitionsWithIndex(count)
print(sorted(pairs.reduceByKey(lambda one, other: one + other).collect()), flush=True)
"""


@pytest.mark.java
def test_pi_with_all_defaults(place: Path) -> None:
    with running("spark-job", place) as run:
        assert run.wait() == 0, run.all_logs()
        assert re.search(r"^Pi is roughly 3\.1\d+$", run.log("spark-submit"), re.MULTILINE)
        assert "Running spark-submit" not in run.log("spark-master")
        # The secret was never on a command line: the worker's log shows those of its executors.
        assert "spark.authenticate=true" in run.log("spark-worker")
        assert "spark.authenticate.secret" not in run.all_logs()
        assert not list((run.workspace / ".zoe").iterdir())


@pytest.mark.java
def test_words_of_a_file_are_counted(place: Path) -> None:
    values = {"program": "wordcount", "arguments": "'my text.txt'", "workers": 1}
    with running("spark-job", place, values, {"my text.txt": "to be or not to be\n"}) as run:
        assert run.wait() == 0, run.all_logs()
        log = run.log("spark-submit")
        assert "6 words, 4 different" in log
        assert re.search(r"2 be\n +2 to\n +1 not\n +1 or\n", log)


@pytest.mark.java
def test_a_worker_that_is_taken_back_hands_on_what_it_has_done(place: Path) -> None:
    """The last task is done when it has gone: what it has counted is needed after that."""
    values = {"program": "mine.py", "workers": 2}
    with running("spark-job", place, values, {"mine.py": SLOW_COUNT}) as run:
        eventually(lambda: len(list(run.workspace.glob("seen-*"))) == 2, 90, run.all_logs)
        leaving, shrink = run.instance("spark-worker", 1), run.zapp.service("spark-worker").shrink
        run.backend.stop(leaving, shrink.grace, signal.Signals[shrink.signal])
        eventually(lambda: run.observation(leaving).observed is Observed.EXITED, 90, run.all_logs)
        # It ended by itself: it was not killed when the grace was over.
        assert run.observation(leaving).exit_code == 128 + signal.SIGTERM, run.all_logs()
        (run.workspace / "left").touch()
        assert run.wait() == 0, run.all_logs()
        assert "[('be', 2000), ('not', 1000), ('or', 1000), ('to', 2000)]" in run.log(
            "spark-submit"
        )
        assert "Decommissioning worker" in run.log("spark-master")
        assert "FetchFailed" not in run.all_logs()


@pytest.mark.java
def test_the_program_decides_the_exit_code(place: Path) -> None:
    values = {"program": "mine.py", "workers": 1}
    with running("spark-job", place, values, {"mine.py": "import sys; sys.exit(3)"}) as run:
        assert run.wait() == 3, run.all_logs()


@pytest.mark.java
def test_a_program_that_is_missing_ends_the_job_at_once(place: Path) -> None:
    with running("spark-job", place, {"program": "none.py", "workers": 1}) as run:
        assert run.wait(timeout=20) == 1
        assert "There is no program 'none.py' in your workspace." in run.log("spark-submit")


@pytest.mark.java
def test_a_session_of_a_notebook_uses_the_cluster(place: Path) -> None:
    """The Jupyter server is replaced: it needs a Hub. It gets the same environment."""
    server = place / "zoe-jupyter"
    server.write_text(SESSION)
    server.chmod(0o755)
    with running("pyspark-notebook", place, programs=place) as run:
        assert run.wait() == 0, run.all_logs()
        assert re.search(r"sum 45 spark://127\.\S+:7077", run.log("notebook"))


@pytest.mark.parametrize("name", ["../x.py", "/etc/passwd.py", "notes.txt", "none.py", "", "."])
def test_programs_that_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ProgramError, match="examples: pi, wordcount"):
        find_program(name, tmp_path)


def test_programs_are_found(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "mine.py").touch()
    assert find_program("jobs/mine.py", tmp_path) == (tmp_path / "jobs" / "mine.py").resolve()
    assert find_program("pi", tmp_path).is_file()
    assert find_program("wordcount", tmp_path).is_file()


def test_all_instances_read_the_same_secret(tmp_path: Path) -> None:
    directory = shared_directory({"ZOE_WORKSPACE": str(tmp_path), "EXECUTION_ID": "5"})
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(execution_secret(directory))) for _ in range(9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 9
    assert len(set(found)) == 1
    assert len(found[0]) == 64
    secret = directory / "secret"
    assert [each.name for each in directory.iterdir()] == ["secret"]
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    forget(directory)
    assert not directory.exists()


def test_the_configuration_is_private(tmp_path: Path) -> None:
    place = write_configuration(tmp_path, {"spark.authenticate.secret": "s3cret"}, "warn")
    settings = place / "spark-defaults.conf"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    lines = dict(line.split(" ", 1) for line in settings.read_text().splitlines())
    assert lines["spark.authenticate.secret"] == "s3cret"
    assert lines["spark.authenticate"] == "true"
    assert lines["spark.master.rest.enabled"] == "false"
    assert "rootLogger.level = warn" in (place / "log4j2.properties").read_text()


@pytest.mark.parametrize(
    ("host", "bind"),
    [("127.9.8.7", "127.9.8.7"), ("10.0.0.3", "0.0.0.0"), ("spark-master-0", "0.0.0.0")],
)
def test_where_a_part_listens(host: str, bind: str, tmp_path: Path) -> None:
    assert bind_address(host) == bind
    environment = process_environment({}, tmp_path, host, tmp_path)
    assert environment.get("SPARK_LOCAL_IP") == (host if host == bind else None)


def test_waiting_ends(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match=r"master 127.0.0.1:1 does not answer after 0.1 sec"):
        wait_for_master("127.0.0.1", 1, patience=0.1)
    with pytest.raises(NotReadyError, match="No Spark worker has registered"):
        wait_for_worker("127.0.0.1", 1, patience=0.1)
    with pytest.raises(NotReadyError, match="has not written a-file"):
        wait_for_text(tmp_path / "a-file", patience=0.1)


def test_text_of_another_instance(tmp_path: Path) -> None:
    publish(tmp_path / "a-file", "/a/path")
    assert wait_for_text(tmp_path / "a-file") == "/a/path"


def test_workers_are_counted_on_the_page_of_the_master() -> None:
    answers = iter([{"aliveworkers": 0}, {"aliveworkers": 2}])

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(next(answers)).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        assert wait_for_worker("127.0.0.1", server.server_port) == 2
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("leaves", "expected"), [("sleep 98761", True), ("true", False)])
def test_a_child_that_has_ended_is_none(leaves: str, expected: bool) -> None:
    """Whether it was waited for or not: ``exec`` keeps the children of the script."""
    command = ["sh", "-c", f"{leaves} & exec sleep 98762"]
    with subprocess.Popen(command, start_new_session=True) as process:
        program = Path(f"/proc/{process.pid}/comm")
        eventually(lambda: program.read_text() == "sleep\n")
        eventually(lambda: has_children(process.pid) == expected)
        os.killpg(process.pid, signal.SIGKILL)


def test_exit_codes_of_a_child() -> None:
    assert run_child(["/bin/sh", "-c", "exit 7"], {}) == 7
    assert run_child(["/bin/sh", "-c", "kill -9 $$"], {}) == 137


@pytest.mark.parametrize(
    ("reserved", "told"), [(None, 512), (2**28, 512), (2**30, 512), (2**31, 1280), (2**34, 12032)]
)
def test_java_takes_a_part_of_what_is_reserved(reserved: int | None, told: int) -> None:
    assert heap(None if reserved is None else str(reserved)) == f"{told}m"


@pytest.mark.parametrize(
    ("slug", "driver"), [("spark-job", "spark-submit"), ("pyspark-notebook", "notebook")]
)
def test_executors_are_as_large_as_the_workers_of_this_start(
    slug: str,
    driver: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The workspace may hold what an earlier start, with other sizes, has written."""
    sizes = {"spark-worker": InstanceSize(memory=2**31)}
    zapp = amend(load_gallery()[slug].zapp, Changes(resources=sizes))
    context = make_context(workspace=str(tmp_path))
    rendered = render_instance(zapp, zapp.service(driver), 0, context)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, value in rendered.environment.items():
        monkeypatch.setenv(name, value)
    publish(shared_directory(os.environ) / "spark-worker-heap", "512m")

    command._prepare("127.9.8.7", "/path", "warn", "127.9.8.6")

    assert capsys.readouterr().err == ""
    (settings,) = tmp_path.glob("spark-conf/spark-defaults.conf")
    assert "spark.executor.memory 1280m" in settings.read_text().splitlines()


@pytest.mark.parametrize("reserved", [None, ""])
def test_who_does_not_say_how_large_workers_are_is_told_how(
    reserved: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Descriptions of one's own may be copies of older ones. The job goes on."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("ZOE_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("EXECUTION_ID", "5")
    if reserved is None:
        monkeypatch.delenv("SPARK_WORKER_RESERVED", raising=False)
    else:
        monkeypatch.setenv("SPARK_WORKER_RESERVED", reserved)

    command._prepare("127.9.8.7", "/path", "warn")
    of_a_worker = capsys.readouterr().err
    command._prepare("127.9.8.7", "/path", "warn", "127.9.8.6")
    of_a_driver = capsys.readouterr().err

    settings = tmp_path / "spark-conf" / "spark-defaults.conf"
    assert "spark.executor.memory 512m" in settings.read_text().splitlines()
    assert of_a_worker == ""
    assert of_a_driver.count("\n") == 1
    assert "executors get 512m only" in of_a_driver
    assert '["SPARK_WORKER_RESERVED", "{memory#spark-worker}"]' in of_a_driver


def test_a_worker_runs_as_many_tasks_as_it_has_cores_or_more() -> None:
    assert worker_cores({}) == 1
    assert worker_cores({"SPARK_CORES": "3", "ZOE_CORES": "0.5"}) == 3
    assert worker_cores({"SPARK_CORES": "1", "ZOE_CORES": "4.5"}) == 4


def test_several_may_write_the_same_file_at_once(tmp_path: Path) -> None:
    writers = [
        threading.Thread(target=publish, args=(tmp_path / "path", "/a/b")) for _ in range(20)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [each.name for each in tmp_path.iterdir()] == ["path"]
    assert (tmp_path / "path").read_text() == "/a/b"
