"""An execution in the hands of a program: both faces of the client, a real portal and master."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python
from zoe_client import AsyncClient, Client, Execution, ExecutionFailed, NotFound, TimedOut
from zoe_core.cluster import ExecutionStatus

T = TypeVar("T")

pytestmark = [pytest.mark.usefixtures("master"), pytest.mark.timeout(180)]


def token_of(portal: Portal) -> str:
    return portal.headers("alice")["Authorization"].removeprefix("token ")


@pytest.fixture
async def zoe(portal: Portal) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(portal.url, token_of(portal)) as zoe:
        yield zoe


async def as_people_do(portal: Portal, use: Callable[[Client], T]) -> T:
    """What ``use`` does without an event loop; the portal runs in this one."""
    with Client(portal.url, token_of(portal)) as client:
        async with asyncio.timeout(120):
            return await asyncio.to_thread(use, client)


async def test_the_result_is_what_the_main_program_has_written(portal: Portal) -> None:
    def use(client: Client) -> tuple[Execution, str]:
        execution = client.run(python("print('42 ✓')"), "answer")
        return execution, execution.result(timeout=60)

    execution, result = await as_people_do(portal, use)
    assert result == "42 ✓\n"
    assert execution.ended
    assert execution.status is ExecutionStatus.TERMINATED
    assert execution.url.startswith(f"{portal.url}executions/")
    assert execution.endpoints == {}
    assert repr(execution) == f"<Execution {execution.id}: answer, terminated>"


async def test_what_fails_says_why_and_how_its_log_ends(portal: Portal) -> None:
    program = "for each in range(100): print('line', each)\nraise SystemExit(3)"

    def use(client: Client) -> None:
        client.run(python(program), "broken").result(timeout=60)

    with pytest.raises(ExecutionFailed, match=r"\(broken\) failed") as failed:
        await as_people_do(portal, use)
    assert failed.value.log == "".join(f"line {each}\n" for each in range(80, 100))
    assert failed.value.execution.status is ExecutionStatus.ERROR


async def test_waiting_has_an_end(portal: Portal, zoe: AsyncClient) -> None:
    execution = await zoe.run(python("import time; time.sleep(600)"))
    with pytest.raises(TimedOut, match=r"has not ended within 0\.2 s"):
        await execution.wait(0.2)
    with pytest.raises(TimeoutError):
        await execution.wait(0)
    await execution.stop()
    assert (await execution.wait(60)).ended


async def test_it_is_watched_from_its_start_to_its_end(
    portal: Portal, zoe: AsyncClient, tmp_path: Path
) -> None:
    flag = tmp_path / "go-on"
    program = f"import os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.02)"
    execution = await zoe.run(python(program))
    seen = []
    async with asyncio.timeout(60):
        async for document in execution.watch():
            seen.append(document)
            if document.status is ExecutionStatus.RUNNING:
                assert [each.monitor for each in document.instances] == [True]
                flag.touch()
    assert [each.id for each in seen] == [execution.id] * len(seen)
    assert seen[-1].status is ExecutionStatus.TERMINATED
    assert all(one != other for one, other in pairwise(seen))
    events = [each async for each in execution.events()]
    assert events[0].kind == "submitted"
    assert events[-1].data["to"] == "terminated"


@pytest.mark.parametrize("instance", [None, "main-0"])
async def test_a_log_is_followed_before_there_is_one(
    portal: Portal, zoe: AsyncClient, instance: str | None
) -> None:
    execution = await zoe.run(python("print('begun')"))
    async with asyncio.timeout(60):
        text = "".join([piece async for piece in execution.logs(instance, follow=True)])
    assert text == "begun\n"


FAILS_ONCE = """
import os, pathlib, time
begun = pathlib.Path({begun!r})
if begun.exists():
    print("second")
    raise SystemExit
begun.touch()
print("first", end="")
while not os.path.exists({flag!r}): time.sleep(0.02)
raise SystemExit(1)
"""


async def test_the_log_of_a_main_program_that_is_started_again_goes_on(
    portal: Portal, zoe: AsyncClient, tmp_path: Path
) -> None:
    flag = tmp_path / "fail"
    program = FAILS_ONCE.format(begun=str(tmp_path / "begun"), flag=str(flag))
    restart = {"policy": "on-failure", "count": 1}
    execution = await zoe.run(python(program, restart=restart))
    text = ""
    async with asyncio.timeout(60):
        async for piece in execution.logs(follow=True):
            text += piece
            if text == "first":
                flag.touch()
    assert text == "firstsecond\n"
    assert execution.ended
    assert [each.attempt for each in execution.instances] == [2]


async def test_an_instance_that_never_comes_is_an_error_in_the_end(
    portal: Portal, zoe: AsyncClient
) -> None:
    execution = await zoe.run(python("print('begun')"))
    async with asyncio.timeout(60):
        with pytest.raises(NotFound, match="there are main-0"):
            await anext(execution.logs("other-0", follow=True))
    assert execution.ended


async def test_all_that_happens_to_me_is_told(portal: Portal, zoe: AsyncClient) -> None:
    ended = asyncio.Event()

    async def listen() -> list[str]:
        kinds = []
        async for event in zoe.events(after=0):
            kinds.append(event.kind)
            if event.data.get("to") == "terminated":
                ended.set()
                return kinds
        return kinds

    async with asyncio.timeout(60):
        listening = asyncio.create_task(listen())
        await zoe.run(python("print(1)"))
        await ended.wait()
        assert (await listening)[0] == "submitted"
