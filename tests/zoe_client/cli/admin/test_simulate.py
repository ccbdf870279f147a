"""``zoe-admin simulate``: results, and what it says of bad input."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO, TextIOWrapper
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from zoe_client.cli.admin import zoe_admin

CLUSTER = ("--nodes", "1", "--cores", "4", "--memory-gb", "8")
TRACE = """\
; three jobs on a machine of four processors, and one that was cancelled
1  0 -1 100 4 -1 -1 4 100 -1 1 1 1 -1 -1 -1 -1 -1
2 10 -1  50 2 -1 -1 2  60 -1 1 2 1 -1 -1 -1 -1 -1
3 10 -1  50 2 -1 -1 2  60 -1 1 1 1 -1 -1 -1 -1 -1
4 20 -1   0 2 -1 -1 2  60 -1 5 2 1 -1 -1 -1 -1 -1
"""

Out = pytest.CaptureFixture[str]


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "small.swf"
    path.write_text(TRACE)
    return str(path)


def run(*arguments: str) -> object:
    """The exit code."""
    with pytest.raises(SystemExit) as ended:
        zoe_admin.main(["simulate", *arguments], "zoe-admin")
    return ended.value.code


def simulate(capsys: Out, *arguments: str) -> dict[str, Any]:
    assert run(*arguments, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: Out, *arguments: str) -> str:
    assert run(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_a_trace_gives_the_figures_that_one_computes_by_hand(capsys: Out, trace: str) -> None:
    figures = simulate(capsys, "--swf", trace, *CLUSTER)

    assert (figures["jobs"], figures["skipped"]) == (3, {"cancelled": 1})
    assert figures["makespan"] == 150
    assert figures["turnaround"]["mean"] == pytest.approx((100 + 140 + 140) / 3)
    assert figures["waiting"]["max"] == 90
    assert figures["utilisation"]["cores"] == 1


def test_an_elastic_job_gives_way(capsys: Out, trace: str) -> None:
    figures = simulate(capsys, "--swf", trace, *CLUSTER, "--elastic-share", "1")

    assert figures["waiting"]["max"] == 0
    assert figures["makespan"] == 150  # no core was ever idle
    assert figures["utilisation"]["cores"] == 1


def test_a_higher_load_makes_them_wait_longer(capsys: Out, trace: str) -> None:
    figures = simulate(capsys, "--swf", trace, *CLUSTER, "--load-factor", "10")

    assert figures["waiting"]["max"] == 99


@pytest.mark.parametrize("policy", ["fair", "fifo", "hrrn", "size"])
@pytest.mark.parametrize("placement", ["best_fit", "pack", "spread"])
def test_equal_arguments_give_equal_results(capsys: Out, policy: str, placement: str) -> None:
    arguments = ("--generate", "30", "--nodes", "3", "--policy", policy, "--placement", placement)

    first = simulate(capsys, *arguments, "--seed", "4")
    assert first["ended"] == 30
    assert simulate(capsys, *arguments, "--seed", "4") == first
    assert simulate(capsys, *arguments, "--seed", "5") != first


def test_people_get_a_table(capsys: Out, trace: str) -> None:
    assert run("--swf", trace, *CLUSTER) == 0

    said = capsys.readouterr().out
    assert "1 left out: cancelled" in said
    assert "turnaround       0:02:07" in said


def finished(number: int) -> dict[str, Any]:
    """An execution as REST gives it, which took a minute."""
    resources = {"memory": 2**30, "cores": 1}
    instance = {
        "name": "main-0",
        "service": "main",
        "status": "exited",
        "node": "n",
        "attempt": 1,
        "essential": True,
        "resources": resources,
    }
    moments = {
        "submitted_at": "2026-11-02T09:00:00Z",
        "started_at": "2026-11-02T09:00:10Z",
        "ended_at": "2026-11-02T09:01:10Z",
    }
    return {
        "id": number,
        "name": "a",
        "zapp": None,
        "user": "ann",
        "status": "terminated",
        "url": "/",
        "instances": [instance],
        **moments,
    }


def test_history_comes_from_standard_input(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = f"{json.dumps(finished(1))}\n\n".encode()
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(lines)))

    figures = simulate(capsys, "--history", "-", *CLUSTER)

    assert figures["turnaround"]["mean"] == 60


class _Portal(BaseHTTPRequestHandler):
    """Answers ``GET executions`` in two pages, to whoever may see those of others."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = parse_qs(address.query)
        known = self.headers["Authorization"] == "token right"
        if not known or address.path != "/zoe/api/v1/executions":
            document = {"title": "Not allowed", "status": 403, "detail": "user: not yours"}
            self._answer(403, document)
            return
        assert asked["status"] == ["error", "terminated"]
        assert asked["user"] == ["*"]
        first = "cursor" not in asked
        items = [finished(2 if first else 1)]
        self._answer(200, {"items": items, "next": "more" if first else None})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def portal() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Portal) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/zoe/"
        server.shutdown()
        thread.join()


def test_history_comes_from_the_portal(
    capsys: Out, monkeypatch: pytest.MonkeyPatch, portal: str
) -> None:
    monkeypatch.setenv("ZOE_TOKEN", "right")
    figures = simulate(capsys, "--history", portal, *CLUSTER)

    assert (figures["jobs"], figures["workload"]) == (2, portal)
    assert figures["turnaround"]["mean"] == 60


def test_a_portal_that_gives_no_history_is_named(
    capsys: Out, monkeypatch: pytest.MonkeyPatch, portal: str
) -> None:
    monkeypatch.setenv("ZOE_TOKEN", "wrong")
    said = refused(capsys, "--history", portal)
    assert f"--history: is {portal!r}: Not allowed: user: not yours" in said

    monkeypatch.delenv("ZOE_TOKEN")
    assert "set ZOE_TOKEN" in refused(capsys, "--history", portal)

    monkeypatch.setenv("ZOE_TOKEN", "right")
    said = refused(capsys, "--history", "http://127.0.0.1:9/")
    assert "--history: is 'http://127.0.0.1:9/': Zoe does not answer at" in said


def test_a_compressed_trace_is_read(capsys: Out, trace: str, tmp_path: Path) -> None:
    packed = tmp_path / "small.swf.gz"
    packed.write_bytes(gzip.compress(TRACE.encode()))

    assert simulate(capsys, "--swf", str(packed), *CLUSTER)["jobs"] == 3

    packed.write_bytes(packed.read_bytes()[:30])
    assert f"--swf: is {str(packed)!r}: cannot be unpacked" in refused(capsys, "--swf", str(packed))


@pytest.mark.parametrize("suffix", [".png", ".html"])
def test_a_plot_is_the_same_each_time(capsys: Out, trace: str, tmp_path: Path, suffix: str) -> None:
    plots = [tmp_path / f"{number}{suffix}" for number in (1, 2)]
    for each in plots:
        simulate(capsys, "--swf", trace, *CLUSTER, "--plot", str(each))

    first, second = (each.read_bytes() for each in plots)
    assert first == second
    assert first.startswith(b"\x89PNG" if suffix == ".png" else b"<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--nodes", "0"), "--nodes: is '0': must be a whole number, 1 to"),
        (("--cores", "four"), "--cores: is 'four': must be a number"),
        (("--memory-gb", "-1"), "--memory-gb: is '-1'"),
        (("--policy", "luck"), "--policy: is 'luck': must be one of fair, fifo, hrrn, size"),
        (("--placement", "luck"), "--placement: is 'luck': must be one of best_fit, pack, spread"),
        (("--elastic-share", "1.5"), "--elastic-share: is '1.5': must be a number, 0 to 1"),
        (("--load-factor", "0"), "--load-factor: is '0'"),
        (("--load-factor", "0.00001"), "--load-factor: is '0.00001': must be a number, 0.01 to"),
        (("--nodes", "1000000000"), "--nodes: is '1000000000': must be a whole number, 1 to 10000"),
        (("--memory-gb", "nan"), "--memory-gb: is 'nan': must be a number, 0.001 to 1048576"),
        (("--memory-gb", "inf"), "--memory-gb: is 'inf': must be a number"),
        (("--load-factor", "nan"), "--load-factor: is 'nan'"),
        (("--seed", "x"), "--seed: is 'x'"),
        (("--plot", "a.pdf"), "--plot: is 'a.pdf': must end in .png or .html"),
        (("--plot", "/nowhere/a.png"), "--plot: is '/nowhere/a.png': cannot be written"),
        (("--generate", "5"), "--swf and --generate: give one of them"),
    ],
)
def test_a_bad_option_is_named(
    capsys: Out, trace: str, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, "--swf", trace, *arguments)


def test_a_bad_workload_is_named(capsys: Out, tmp_path: Path) -> None:
    path = tmp_path / "bad"
    assert "cannot be read: No such file" in refused(capsys, "--swf", str(path))

    path.write_text(f"{TRACE}5 soon\n")
    assert f"{path}, line 6 has 2 fields" in refused(capsys, "--swf", str(path))

    path.write_bytes(bytes(range(256)))
    assert f"{path}, line 1 has" in refused(capsys, "--swf", str(path))

    path.write_text(f"1 {'-1 ' * 17}\n")
    said = refused(capsys, "--swf", str(path))
    assert "line 1, field 2 (submit time) is -1: must be 0 to 2147483647" in said

    assert "cannot be read: Is a directory" in refused(capsys, "--swf", str(tmp_path))

    path.write_text("")
    assert "has no job that ran" in refused(capsys, "--swf", str(path))

    path.write_text("; nothing\n")
    assert "has no job that ran" in refused(capsys, "--swf", str(path))

    path.write_text('\n{"id": 1}\n')
    assert f"{path}, line 2: name: Field required" in refused(capsys, "--history", str(path))

    path.write_text("nonsense\n")
    assert f"{path}, line 1: is not JSON" in refused(capsys, "--history", str(path))

    said = refused(capsys, "--generate", "3", "--elastic-share", "0.5")
    assert "--elastic-share: is 0.5: may be given with --swf only" in said


def lines(*jobs: tuple[int, float, int]) -> str:
    """A trace of jobs: submitted, run time, processors."""
    return "".join(
        f"{number} {submitted} -1 {seconds} {processors} -1 -1 -1 -1 -1 1{' -1' * 7}\n"
        for number, (submitted, seconds, processors) in enumerate(jobs, 1)
    )


def test_a_slow_load_takes_as_long_as_a_calendar_goes(capsys: Out, tmp_path: Path) -> None:
    path = tmp_path / "long.swf"
    path.write_text(lines((0, 60, 1), (2**31 - 1, 60, 1)))
    figures = simulate(capsys, "--swf", str(path), *CLUSTER, "--load-factor", "0.01")
    assert figures["ended"] == 2

    path.write_text(lines(*[(0, 2**31 - 1, 4)] * 150))
    assert "beyond the year 9999" in refused(capsys, "--swf", str(path), *CLUSTER)


def test_jobs_may_come_in_any_order_and_be_too_large(capsys: Out, tmp_path: Path) -> None:
    path = tmp_path / "odd.swf"
    path.write_text(lines((500, 60, 4), (0, 60, 4), (10, 60, 5)))
    figures = simulate(capsys, "--swf", str(path), *CLUSTER)
    assert (figures["ended"], figures["never_started"]) == (2, 1)
    assert figures["makespan"] == 560


@pytest.mark.parametrize("package", ["numpy", "matplotlib"])
def test_a_missing_extra_is_named(package: str, trace: str, tmp_path: Path) -> None:
    """In a process of its own, in which the package is hidden."""
    program = (
        f"import sys; sys.modules[{package!r}] = None; from zoe_client.cli.admin import main; "
        "main()"
    )
    command = ["simulate", "--swf", trace, "--plot", str(tmp_path / "a.png")]

    ended = subprocess.run([sys.executable, "-c", program, *command], capture_output=True)

    assert ended.returncode == 1
    assert package in ended.stderr.decode()
    assert "zoe[simulate]" in ended.stderr.decode()


def test_the_light_client_does_without_numpy() -> None:
    program = "import sys; import zoe_client, zoe_client.cli.admin; print('numpy' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert said.stdout == b"False\n"
