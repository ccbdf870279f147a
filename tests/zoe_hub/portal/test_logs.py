"""Logs of instances over REST, with a real master and real processes."""

import asyncio
import subprocess
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.support.slow_reader import slow_reader
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python
from tests.zoe_hub.portal.test_bad_input import check_problem
from zoe_core.protocol import LogChunk, ReadLog
from zoe_hub.portal import sse

pytestmark = pytest.mark.usefixtures("master")

LINES = "".join(f"line {number} ✓\n" for number in range(200))
TALK = "for n in range(200): print('line', n, '\u2713')"
DEADLINE = 60.0  # seconds
OPERATOR = ("access:services!service=zoe", "custom:zoe:status", "custom:zoe:operate-others")


async def launch(portal: Portal, program: str) -> str:
    """Launch a program; returns the address of its log once there is an instance."""
    answer = await portal.request("POST", "/executions", json={"description": python(program)})
    assert answer.status_code == 201, answer.text
    path = f"/executions/{answer.json()['id']}"

    async def started() -> bool:
        return bool((await portal.get(path)).json()["instances"])

    await eventually_async(started)
    return f"{path}/instances/main-0/logs"


async def ended(portal: Portal, log: str) -> None:
    """Wait for the end of the execution."""
    path = log.partition("/instances")[0]

    async def terminated() -> bool:
        return (await portal.get(path)).json()["status"] == "terminated"

    await eventually_async(terminated)


@pytest.fixture
async def finished(portal: Portal) -> str:
    """The log of an execution that has ended."""
    log = await launch(portal, TALK)
    await ended(portal, log)
    return log


async def test_a_log_is_kept_and_can_be_read_in_parts(portal: Portal, finished: str) -> None:
    whole = await portal.get(finished)
    size = len(LINES.encode())

    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.text == LINES
    assert (whole.headers["X-Log-Offset"], whole.headers["X-Log-Size"]) == ("0", str(size))
    assert whole.headers["X-Log-Attempt"] == "1"
    rest = await portal.get(f"{finished}?offset=100")
    assert rest.headers["X-Log-Offset"] == "100"
    assert rest.content == LINES.encode()[100:]
    assert (await portal.get(f"{finished}?offset={size}")).content == b""


@pytest.mark.parametrize("lines", [0, 1, 3, 200, 1000])
async def test_the_tail_is_the_last_lines(portal: Portal, finished: str, lines: int) -> None:
    answer = await portal.get(f"{finished}?tail={lines}")

    expected = "".join(LINES.splitlines(keepends=True)[-lines:]) if lines else ""
    assert answer.text == expected
    assert int(answer.headers["X-Log-Offset"]) == len(LINES.encode()) - len(expected.encode())


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("offset=-1", 400, "offset"),
        ("offset=100000", 416, "offset"),
        ("tail=x", 400, "tail"),
        ("tail=3&offset=5", 400, "tail"),
        ("follow=perhaps", 400, "follow"),
    ],
)
async def test_a_part_that_is_none_is_refused(
    portal: Portal, finished: str, query: str, status: int, field: str
) -> None:
    problem = check_problem(await portal.get(f"{finished}?{query}"), status)

    assert problem["field"] == field


async def test_an_instance_that_is_not_there_is_named_with_those_that_are(
    portal: Portal, finished: str
) -> None:
    problem = check_problem(await portal.get(finished.replace("main-0", "main-7")), 404)

    assert "main-0" in problem["detail"]


async def test_a_log_is_followed_while_it_is_written(portal: Portal, tmp_path: Path) -> None:
    flag = tmp_path / "go-on"
    log = await launch(
        portal,
        f"import os, time\nprint('begun')\n"
        f"while not os.path.exists({str(flag)!r}): time.sleep(0.02)\nprint('done')",
    )
    url, headers = f"api/v1{log}?follow=true", portal.headers("alice")
    text = ""

    async with (
        asyncio.timeout(DEADLINE),
        portal.client.stream("GET", url, headers=headers) as answer,
    ):
        async for piece in answer.aiter_text():
            text += piece
            if text == "begun\n":
                flag.touch()

    assert text == "begun\ndone\n"


async def test_who_does_not_read_holds_back_its_own_log_alone(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 20_000_000  # far above what sockets hold
    log = await launch(portal, f"print('x' * {size - 1})")
    await ended(portal, log)
    read: Counter[str] = Counter()
    read_log = portal.context.link.read_log

    async def count(wanted: ReadLog) -> tuple[LogChunk, bytes]:
        chunk, data = await read_log(wanted)
        read["by who follows" if wanted.wait else "by others"] += len(data)
        return chunk, data

    monkeypatch.setattr(portal.context.link, "read_log", count)
    url = f"{portal.url}api/v1{log}"
    async with slow_reader(f"{url}?follow=true", portal.headers("alice")) as slow:
        await eventually_async(lambda: read["by who follows"] > 0)
        assert len((await portal.get(log)).content) == size
        assert read["by who follows"] < size / 2, "what it does not take is not asked for"

        assert len(await slow.read_all()) == size, "and nothing of it is lost"


async def test_who_follows_a_log_has_to_come_back(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await launch(portal, "import time; print('begun'); time.sleep(60)")
    await eventually_async(lambda: _reads(portal, log, "begun\n"))
    monkeypatch.setattr(sse, "MAX_STREAM", 0.5)
    received = []

    async def follow() -> None:
        url, headers = f"api/v1{log}?follow=true", portal.headers("alice")
        async with portal.client.stream("GET", url, headers=headers) as answer:
            async for piece in answer.aiter_text():
                received.append(piece)

    async with asyncio.timeout(DEADLINE):
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            await follow()

    assert "".join(received) == "begun\n"


async def test_a_reader_goes_on_when_the_master_comes_back(
    portal: Portal, tmp_path: Path, master: subprocess.Popen[bytes]
) -> None:
    flag = tmp_path / "go-on"
    log = await launch(
        portal,
        f"import os, time\nprint('begun')\n"
        f"while not os.path.exists({str(flag)!r}): time.sleep(0.02)\nprint('done')",
    )
    await eventually_async(lambda: _reads(portal, log, "begun\n"))
    master.send_signal(19)  # SIGSTOP: it is away
    try:
        check_problem(await portal.get(log), 503)
    finally:
        master.send_signal(18)  # SIGCONT
    flag.touch()
    await ended(portal, log)

    assert (await portal.get(log)).text == "begun\ndone\n"


async def _reads(portal: Portal, log: str, text: str) -> bool:
    return (await portal.get(log)).text == text


async def test_the_queue_and_the_nodes_are_the_masters(portal: Portal) -> None:
    large = {"resources": {"memory": {"min": 2**26}, "cores": {"min": 1.9}}, "total_count": 1}
    first = python("import time; time.sleep(60)", **large)
    (node,) = await _nodes(portal)
    first["services"][0]["resources"]["cores"]["min"] = node["capacity"]["cores"]
    for _ in range(2):
        answer = await portal.request("POST", "/executions", json={"description": first})
        assert answer.status_code == 201, answer.text

    async def waits() -> bool:
        return len((await portal.get("/queue")).json()["items"]) == 1

    await eventually_async(waits)
    (entry,) = (await portal.get("/queue")).json()["items"]
    assert (entry["execution_id"], entry["position"], entry["user"]) == (
        answer.json()["id"],
        1,
        "alice",
    )
    (hidden,) = (await portal.get("/queue", "bob")).json()["items"]
    assert (hidden["user"], hidden["name"], hidden["reasons"]) == (None, None, [])
    (operated,) = (await portal.get("/queue", "olga", scopes=OPERATOR)).json()["items"]
    assert operated == entry
    waiting = (await portal.get(f"/executions/{answer.json()['id']}")).json()["waiting"]
    assert waiting["position"] == 1
    assert waiting["reasons"] == entry["reasons"] != []
    listed = (await portal.get("/executions")).json()["items"]
    assert listed[0]["waiting"] == waiting
    (node,) = await _nodes(portal)
    assert node["reserved"]["cores"] == node["capacity"]["cores"]


async def _nodes(portal: Portal) -> list[dict]:
    async def known() -> list[dict]:
        return (await portal.get("/cluster")).json()["items"]

    return await eventually_async(known)


async def test_instances_find_each_other_by_the_name_of_their_service(portal: Portal) -> None:
    description = python(
        "import time; time.sleep(60)", ports=[{"name": "page", "port_number": 8080}]
    )
    number = (
        await portal.request("POST", "/executions", json={"description": description})
    ).json()["id"]

    async def found() -> list[str]:
        return (await portal.get(f"/discovery/{number}/main")).json()["dns_names"]

    (address,) = await eventually_async(found)
    assert address.startswith("127.")
    problem = check_problem(await portal.get(f"/discovery/{number}/other"), 404)
    assert problem["field"] == "service"
