"""The client in a process that was forked from one that had used it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python

ROOT = Path(__file__).parents[3]

PROGRAM = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from zoe_client import Client
from zoe_client._default import default_client
from zoe_client.widgets._background import spawn

def name(_=None):
    return default_client().info().caller.name

async def hear(heard):
    heard.append(1)

def spawned():
    heard = []
    spawn(hear(heard)).result()
    return heard

number = int(sys.argv[1])
assert (name(), spawned()) == ("alice", [1])
watching = default_client().get(number).watch()
assert next(watching).id == number
name()  # leaves a connection that may be used again, beside the one that is watched

child = os.fork()
if not child:
    print("child", name(), spawned())
    try:
        next(watching)
    except RuntimeError as error:
        print(error)
    sys.exit(7)  # tidies up, which touches nothing of the parent's
print("ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
    print("pool", *pool.map(name, range(2)))
default_client().stop(number)
print("parent", name(), spawned(), [each.status for each in watching][-1])
"""


@pytest.mark.usefixtures("master")
async def test_a_forked_process_and_its_parent_both_ask_and_end(
    portal: Portal, tmp_path: Path
) -> None:
    sleeps = python("import time; time.sleep(600)")
    number = (await portal.request("POST", "/executions", json={"description": sleeps})).json()[
        "id"
    ]
    written = tmp_path / "written"
    with written.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-c", PROGRAM, str(number)),
            cwd=ROOT,
            env={
                "ZOE_URL": portal.url,
                "ZOE_TOKEN": portal.headers("alice")["Authorization"].removeprefix("token "),
            },
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        async with asyncio.timeout(60):
            await process.wait()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        print(written.read_text())  # pytest shows it when the test has failed

    assert written.read_text().splitlines() == [
        "child alice [1]",
        "What was followed before a fork goes on in the parent alone.",
        "ended with 7",
        "pool alice alice",
        "parent alice [1] terminated",
    ]
