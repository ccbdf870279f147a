"""`zoe logs -f` follows a log while the portal is killed and comes back: no gap, no repeat."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_zoe import ROOT
from tests.support.standalone import StandaloneZoe
from tests.support.waiting import eventually
from tests.zoe_client.cli.site import CONFIG, PATIENCE, PROGRAM, SMALL, description
from zoe_client import Client, Execution

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def zoe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneZoe]:
    with StandaloneZoe(tmp_path_factory.mktemp("follow") / "zoe", CONFIG) as zoe:
        yield zoe


@pytest.fixture
def client(zoe: StandaloneZoe) -> Iterator[Client]:
    token = zoe.administrator().make_token()
    with Client(f"{zoe.url}/services/zoe/", token) as client:
        yield client


def counting(flag: Path) -> str:
    """A program that writes numbered lines until there is a file, and some more then."""
    return (
        "import itertools, os, time\n"
        "last = None\n"
        "for n in itertools.count():\n"
        "    print('line', n)\n"
        "    time.sleep(0.02)\n"
        f"    if last is None and os.path.exists({str(flag)!r}): last = n + 50\n"
        "    if n == last: break\n"
    )


def test_each_line_comes_once_though_the_portal_is_killed(
    zoe: StandaloneZoe, client: Client, tmp_path: Path
) -> None:
    flag, out, err = (tmp_path / name for name in ("flag", "out", "err"))
    execution = client.run(description(counting(flag), SMALL))
    process = follow(client, execution, zoe, out, err)
    try:
        eventually(lambda: "line 20\n" in out.read_text(), timeout=PATIENCE, message=err.read_text)
        for _ in range(2):
            zoe.kill("portal")
            eventually(lambda: told(err)[0] > told(err)[1], timeout=PATIENCE)
            zoe.start_part("portal")
            eventually(lambda: told(err)[0] == told(err)[1], timeout=PATIENCE)
            seen = len(out.read_text())
            eventually(lambda seen=seen: len(out.read_text()) > seen + 500, timeout=PATIENCE)
        flag.touch()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()

    lines = out.read_text().splitlines()
    assert lines == [f"line {n}" for n in range(len(lines))]
    assert lines == "".join(client.logs(execution.id)).splitlines()


def follow(
    client: Client, execution: Execution, zoe: StandaloneZoe, out: Path, err: Path
) -> subprocess.Popen[bytes]:
    """`zoe logs -f`, with its output in files."""
    token = zoe.administrator().make_token()
    with out.open("wb") as log, err.open("wb") as trouble:
        return subprocess.Popen(
            [sys.executable, *PROGRAM[1:], "logs", "-f", str(execution.id)],
            cwd=ROOT,
            env={**os.environ, "ZOE_URL": client.url, "ZOE_TOKEN": token},
            stdout=log,
            stderr=trouble,
        )


def told(err: Path) -> tuple[int, int]:
    """How often a person was told that Zoe is lost, and that it is back."""
    lines = err.read_text().splitlines()
    return (
        sum(line.endswith("Trying again.") for line in lines),
        lines.count("zoe: Zoe is back."),
    )
