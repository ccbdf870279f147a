"""After Ctrl-C a command is gone at once, whatever its threads wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running_zoe import ROOT
from tests.support.waiting import eventually

LONG = 300  # seconds that a lookup takes which nobody answers
SOON = 60.0

# Ctrl-C counts also in a child of a background job, which would ignore it.
HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
LOOKS_UP = f"""
import pathlib, socket, sys, time
asked, main = sys.argv.pop(1), sys.argv.pop(1)

def hang(*_, **__):
    pathlib.Path(asked).touch()
    time.sleep({LONG})

socket.getaddrinfo = hang
__import__(main, fromlist=["main"]).main()
"""
INTERRUPTED = """
import click
from zoe_client.cli._run import Program, run_as_process

program = Program("zoe")

@program.command
def speak():
    print("so far", end="")
    raise KeyboardInterrupt

run_as_process(program)
"""


@pytest.mark.parametrize(
    ("main", "command"), [("zoe_client.cli.zoe", "info"), ("zoe_client.cli.admin", "nodes")]
)
def test_ctrl_c_does_not_wait_for_the_lookup_of_a_name(
    tmp_path: Path, main: str, command: str
) -> None:
    asked = tmp_path / "asked"
    with subprocess.Popen(
        [sys.executable, "-c", HEARS + LOOKS_UP, asked, main, command],
        cwd=ROOT,
        env={**os.environ, "ZOE_URL": "http://zoe.example/", "ZOE_TOKEN": "t", "NO_PROXY": "*"},
        stderr=subprocess.PIPE,
    ) as process:
        try:
            eventually(asked.exists, timeout=SOON)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=SOON)
        finally:
            process.kill()

    assert process.returncode == 130
    assert b"Traceback" not in said


def test_what_was_written_before_ctrl_c_arrives() -> None:
    done = interrupted(subprocess.PIPE)

    assert (done.returncode, done.stdout) == (130, b"so far")


def test_nobody_need_read_what_was_written_before_ctrl_c() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        done = interrupted(writes)
    finally:
        os.close(writes)

    assert (done.returncode, done.stderr) == (130, b"\n")


def interrupted(output: int) -> subprocess.CompletedProcess[bytes]:
    """A command that has written something when Ctrl-C comes."""
    return subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "speak"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # else nothing would be left to be flushed
        stdout=output,
        stderr=subprocess.PIPE,
        check=False,
        timeout=SOON,
    )
