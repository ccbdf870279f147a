"""A master process with real local processes: killed, and started again."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.masters import HubEnd, MasterProcess, command
from tests.support.postgres import execute
from tests.support.survivors import is_running
from tests.support.waiting import eventually_async
from zoe_hub.link import MasterAway
from zoe_store.embedded import EmbeddedPostgres

FINISH = """
echo "$$" > pid
until [ -e finish ]; do sleep 0.05; done
echo done
"""


@pytest.fixture
def master(database_url: str, tmp_path: Path) -> Iterator[MasterProcess]:
    master = MasterProcess(database_url, tmp_path, relist_interval=0.5, stop_grace=1.0)
    try:
        master.start()
        yield master
    finally:
        master.close()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspaces" / "alice"


async def log_of(hub: HubEnd, execution_id: int, text: bytes) -> bytes:
    """Wait until the log of its main-0 holds that."""

    async def there() -> bytes:
        data, _ = await hub.log(execution_id)
        assert text in data
        return data

    return await eventually_async(there)


async def test_the_way_of_one_request_with_real_processes(
    master: MasterProcess, hub: HubEnd
) -> None:
    one = await hub.submit(
        command('echo "hello $TOKEN from $EXECUTION_ID"; exit 3', server=True),
        secrets={"TOKEN": "s3cr3t"},
    )
    assert await hub.ended(one) == (
        "error",
        "main-0 has failed with exit code 3; its log may say why.",
    )
    assert await hub.log(one) == (f"hello s3cr3t from {one}\n".encode(), True)
    assert b"s3cr3t" not in master.log.read_bytes()


async def test_what_runs_is_taken_over_from_a_master_that_was_killed(
    master: MasterProcess, hub: HubEnd, workspace: Path
) -> None:
    one = await hub.submit(command("echo before; cd $ZOE_WORKSPACE;" + FINISH))
    doomed = await hub.submit(command("echo ready; sleep 0.3; exit 4"))
    await log_of(hub, one, b"before")
    await log_of(hub, doomed, b"ready")
    pid = int(
        await eventually_async(
            lambda: (workspace / "pid").exists() and (workspace / "pid").read_text().strip()
        )
    )
    process = psutil.Process(pid)
    master.kill()
    with pytest.raises(MasterAway, match="the scheduler does not answer"):
        await hub.link.queue()
    meanwhile = await hub.submit(command("echo meanwhile"))
    master.start()
    assert is_running(process)
    assert await hub.ended(meanwhile) == ("terminated", "main-0 has finished.")
    assert (await hub.ended(doomed))[0] == "error"
    assert (await hub.get(one)).status == "running"
    (workspace / "finish").touch()
    assert await hub.ended(one) == ("terminated", "main-0 has finished.")
    assert (await hub.instance(one)).attempt == 1
    assert await hub.log(one) == (b"before\ndone\n", True)
    assert await hub.moves(one) == ["queued", "starting", "running", "cleaning_up", "terminated"]


async def test_what_runs_ends_with_the_portal_although_the_database_is_away(
    master: MasterProcess, hub: HubEnd, workspace: Path, postgres: EmbeddedPostgres
) -> None:
    await hub.submit(command("cd $ZOE_WORKSPACE; echo $$ > pid; sleep 600"))
    pid = await eventually_async(
        lambda: (workspace / "pid").exists() and (workspace / "pid").read_text().strip()
    )
    process = psutil.Process(int(pid))
    name = hub.database.engine.url.database
    execute(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
    execute(postgres, kill, name=name)
    await eventually_async(lambda: b"the database is away" in master.log.read_bytes())
    assert is_running(process)
    assert master.process is not None
    master.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(master.process.wait, 30) == 0
    assert not is_running(process)


async def test_a_wish_made_while_the_master_was_away_is_granted(
    master: MasterProcess, hub: HubEnd, workspace: Path
) -> None:
    one = await hub.submit(command("cd $ZOE_WORKSPACE; echo $$ > pid; sleep 600"))
    pid = int(
        await eventually_async(
            lambda: (workspace / "pid").exists() and (workspace / "pid").read_text().strip()
        )
    )
    process = psutil.Process(pid)
    master.kill()
    await hub.end(one, "She stopped it.")
    master.start()
    assert await hub.ended(one) == ("terminated", "She stopped it.")
    assert not is_running(process)
