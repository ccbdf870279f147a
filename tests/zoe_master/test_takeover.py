"""One that lost its lock stops at once, and whoever takes over starts nothing twice."""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import service, zapp
from tests.support.masters import (
    Gate,
    HubEnd,
    MasterProcess,
    acting,
    backend,
    command,
    end_the_lock,
)
from tests.support.waiting import eventually_async
from tests.zoe_master.hanging_master import HANGS
from zoe_master.backends.fake import FakeEngine
from zoe_master.engine import applier, loop
from zoe_master.engine.applier import Applier
from zoe_master.engine.guard import Guard
from zoe_store.cluster import master_record
from zoe_store.office import Office, OutOfOffice


async def epoch_reaches(hub: HubEnd, epoch: int) -> None:
    async def there() -> bool:
        return (await hub.call(master_record)).epoch >= epoch

    await eventually_async(there, message=f"the master of epoch {epoch}")


async def test_a_master_that_loses_its_lock_stops_and_takes_office_anew(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine):
        running = await hub.submit(command("sleep 1000"))
        await hub.until(running, "running")
        await hub.call(end_the_lock)
        await epoch_reaches(hub, 2)
        ending = await hub.submit(command("exit 0"))
        await hub.until(ending, "terminated")
        assert (await hub.get(running)).status == "running"


async def test_effects_that_have_not_begun_when_the_lock_is_lost_are_dropped(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, closed = Gate(), asyncio.Event()
    close = Applier.close

    async def told(applier: Applier) -> None:
        await close(applier)
        closed.set()

    monkeypatch.setattr(Applier, "close", told)
    monkeypatch.setattr(applier, "ENDS_WITHIN", 30.0)  # however slow this machine is
    other = Office(hub.database)
    async with acting(database_url, tmp_path, engine, backend(start=gate), effect_threads=1):
        gang = await hub.submit(zapp(service(essential=4)))
        await asyncio.to_thread(gate.reached.wait)
        await hub.call(end_the_lock)
        await eventually_async(lambda: asyncio.to_thread(other.try_take))
        gate.opened.set()
        await closed.wait()
        assert len(engine.instances()) == 1  # it was under way
        assert (await hub.get(gang)).status == "starting"
        await asyncio.to_thread(other.leave)
        await hub.until(gang, "running")
        assert len(engine.instances()) == 4
        assert (await hub.instance(gang)).attempt == 1


async def test_what_was_decided_before_another_master_took_over_is_thrown_away(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The plan is made, the lock is lost, another master takes over: then it is to be written."""
    write = loop.write_advance
    other = Office(hub.database)
    refused: list[OutOfOffice] = []

    def late(office: Office, *step: Any) -> int:
        if not refused:
            end_the_lock(hub.database)
            while not other.try_take():
                pass
            try:
                return write(office, *step)
            except OutOfOffice as error:
                refused.append(error)
                raise
        return write(office, *step)

    async def asleep(guard: Guard) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Guard, "run", asleep)  # nobody notices: the epoch alone must do
    monkeypatch.setattr(loop, "write_advance", late)
    async with acting(database_url, tmp_path, engine):
        one = await hub.submit()
        await eventually_async(lambda: refused)
        assert str(refused[0]) == "another master has taken over from epoch 1"
        assert (await hub.get(one)).status == "submitted"
        assert engine.instances() == []
        await asyncio.to_thread(other.leave)
        await hub.until(one, "running")
        assert await hub.moves(one) == ["queued", "starting", "running"]


@pytest.fixture
def masters(
    database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[MasterProcess, MasterProcess]]:
    """One that acts, and one that waits for its office; both on the same processes."""
    settings = {"relist_interval": 0.5, "stop_grace": 1.0, "effect_threads": 2}
    module = getattr(request, "param", "zoe_master.app")
    pair = tuple(MasterProcess(database_url, tmp_path, module=module, **settings) for _ in range(2))
    try:
        pair[0].start()
        pair[1].launch()
        yield pair[0], pair[1]
    finally:
        for each in pair:
            each.close()


async def test_two_masters_with_real_processes(
    masters: tuple[MasterProcess, MasterProcess], hub: HubEnd, tmp_path: Path
) -> None:
    """The lock is lost twice in the midst of starts; then whoever acts is killed."""
    line = 'echo "$ZOE_INSTANCE" >> "$ZOE_WORKSPACE/ran"; until [ -e "$ZOE_WORKSPACE/finish" ]; '
    gang = command(line + "do sleep 0.1; done", essential=6)
    ran = tmp_path / "workspaces" / "alice" / "ran"

    def lines() -> list[str]:
        return ran.read_text().splitlines() if ran.exists() else []

    gangs = [await hub.submit(gang) for _ in range(3)]
    for seen, epoch in ((1, 2), (7, 3)):
        await eventually_async(lambda seen=seen: len(lines()) >= seen)
        await hub.call(end_the_lock)
        await epoch_reaches(hub, epoch)
    for each in gangs:
        await hub.until(each, "running")
    for master in masters:
        master.kill()
        master.launch()
        await hub.until(await hub.submit(command("exit 0")), "terminated")
    (ran.parent / "finish").touch()
    for each in gangs:
        assert (await hub.ended(each))[0] == "terminated"
        moves = ["queued", "starting", "running", "cleaning_up", "terminated"]
        assert await hub.moves(each) == moves
    assert Counter(lines()).most_common(1)[0][1] == 1
    assert len(lines()) == 18


HANGING = pytest.mark.parametrize("masters", ["tests.zoe_master.hanging_master"], indirect=True)


async def hangs(hub: HubEnd, directory: Path) -> int:
    """An execution whose start has begun, and does not return."""
    one = await hub.submit(command("sleep 1000"))
    await eventually_async((directory / "process" / HANGS).exists)
    return one


@HANGING
async def test_a_start_that_hangs_does_not_keep_the_next_master_out(
    masters: tuple[MasterProcess, MasterProcess], hub: HubEnd, tmp_path: Path
) -> None:
    one = await hangs(hub, tmp_path)
    await hub.call(end_the_lock)
    assert await asyncio.to_thread(masters[0].process.wait, 30) == 1
    await hub.until(one, "running")
    assert "Calls of the back-end do not return: start 1/main-0#1" in masters[0].log.read_text()


@HANGING
async def test_a_start_that_hangs_does_not_keep_a_master_from_stopping(
    masters: tuple[MasterProcess, MasterProcess], hub: HubEnd, tmp_path: Path
) -> None:
    await hangs(hub, tmp_path)
    masters[1].kill()
    masters[0].process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(masters[0].process.wait, 30) == 1
