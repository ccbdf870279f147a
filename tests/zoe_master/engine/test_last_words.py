"""The reason of a failure that only the log knows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.builders import service, zapp
from tests.support.masters import HubEnd, acting
from zoe_core.cluster import InstanceId
from zoe_master.backends.fake import FakeEngine
from zoe_master.engine.last_words import last_line


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (b"", ""),
        (b"\n \t\n", ""),
        (b"first\nValueError: no\n\n", "ValueError: no"),
        (b"\x1b[31mred\x1b[0m\r\n", "[31mred [0m"),
        (b"a\tb   c\x00d\n", "a b c d"),
        ("right \u202eto left\n".encode(), "right to left"),
        (b"\xff is no UTF-8", "\ufffd is no UTF-8"),
        (b"x" * 300, "x" * 200 + "…"),
    ],
)
def test_the_last_line(log: bytes, line: str) -> None:
    assert last_line(log) == line


@pytest.fixture
async def master(database_url: str, tmp_path: Path, engine: FakeEngine) -> AsyncIterator[None]:
    async with acting(database_url, tmp_path, engine):
        yield


@pytest.mark.usefixtures("master")
@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (3, "error", "main-0 has failed: exit code 3; it last said: no such year"),
        (-9, "error", "main-0 was ended by signal 9 (Killed)."),
        (0, "terminated", "main-0 has finished."),
    ],
)
async def test_the_reason(
    code: int, status: str, reason: str, hub: HubEnd, engine: FakeEngine
) -> None:
    one = await hub.submit()
    await hub.until(one, "running")
    main = InstanceId(one, "main", 0)
    engine.say(main, b"begun\n" * 2000 + b"no such year\n")
    engine.exit(main, code)
    assert await hub.ended(one) == (status, reason)


@pytest.mark.usefixtures("master")
async def test_a_server_that_has_secrets_is_not_quoted(hub: HubEnd, engine: FakeEngine) -> None:
    one = await hub.submit(zapp(service(), hub_server="main"), secrets={"TOKEN": "s3cr3t"})
    await hub.until(one, "running")
    engine.say(InstanceId(one, "main", 0), b"my token is s3cr3t\n")
    engine.exit(InstanceId(one, "main", 0), 3)
    reason = "main-0 has failed with exit code 3; its log may say why."
    assert await hub.ended(one) == ("error", reason)
