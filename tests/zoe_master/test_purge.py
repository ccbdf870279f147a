"""What has ended is purged when somebody wishes it: logs, then rows, also over a crash."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.masters import HubEnd, MasterProcess, acting, command
from tests.support.waiting import eventually_async
from zoe_core.cluster import InstanceId, Node
from zoe_master.backends.base import Observation
from zoe_master.backends.fake import FakeBackend
from zoe_master.backends.fake.engine import FakeEngine
from zoe_master.engine.logs import LogKeeper
from zoe_store import executions
from zoe_store.checkpoints import Checkpoint
from zoe_store.cluster import known_strangers
from zoe_store.purge import request_purge
from zoe_store.usage import Usage, usage

OFTEN = 0.5
"""Seconds between full lists: what has ended since the last one is not purged yet."""


async def used(hub: HubEnd) -> Usage:
    """What alice has used so far."""
    now = datetime.now(UTC)
    (found,) = await hub.call(usage, now - timedelta(days=1), now + timedelta(days=1), now)
    assert found.key == "alice"
    return found


async def wish(hub: HubEnd, *execution_ids: int) -> None:
    for each in execution_ids:
        assert await hub.call(request_purge, each, "olga", datetime.now(UTC))


async def until_gone(hub: HubEnd, *execution_ids: int) -> None:
    async def gone() -> bool:
        return not any([await hub.call(executions.get, each) for each in execution_ids])

    await eventually_async(gone)


async def test_what_is_purged_is_gone_and_its_usage_stays(
    database_url: str, tmp_path: Path, hub: HubEnd
) -> None:
    master = MasterProcess(database_url, tmp_path, stop_grace=1.0, relist_interval=OFTEN)
    try:
        master.start()
        one, two, kept = [await hub.submit(command("echo hello")) for _ in range(3)]
        for each in (one, two, kept):
            await hub.ended(each)
        logs = tmp_path / "logs"
        assert {each.name for each in logs.iterdir()} == {str(each) for each in (one, two, kept)}
        before = await used(hub)

        await wish(hub, one, two)
        await until_gone(hub, one, two)

        assert [each.name for each in logs.iterdir()] == [str(kept)]
        after = await used(hub)
        assert after.executions == before.executions == 3
        assert after.millicore_seconds == pytest.approx(before.millicore_seconds)
        assert await hub.log(kept) == (b"hello\n", True)
        assert await hub.ended(await hub.submit(command("true"))) == (
            "terminated",
            "main-0 has finished.",
        )
    finally:
        master.close()


async def test_what_cannot_be_purged_keeps_nothing_else(
    database_url: str,
    tmp_path: Path,
    hub: HubEnd,
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forget, refused = LogKeeper.forget, list[int]()

    def forget_most(keeper: LogKeeper, execution_id: int) -> None:
        if execution_id == broken:
            refused.append(execution_id)
            raise PermissionError(f"log of {execution_id}")
        forget(keeper, execution_id)

    monkeypatch.setattr(LogKeeper, "forget", forget_most)
    async with acting(database_url, tmp_path, engine, relist_interval=OFTEN):
        broken, other = [await hub.submit() for _ in range(2)]
        for each in (broken, other):
            await hub.until(each, "running")
            await hub.end(each)
            await hub.ended(each)
        await wish(hub, broken, other)
        await until_gone(hub, other)
    assert await hub.call(executions.get, broken) is not None
    assert refused == [broken]


async def test_a_crash_between_logs_and_rows_is_made_good(
    database_url: str, tmp_path: Path, hub: HubEnd
) -> None:
    master = MasterProcess(database_url, tmp_path, stop_grace=1.0, relist_interval=OFTEN)
    try:
        master.start()
        one = await hub.submit(command("echo hello"))
        await hub.ended(one)
        before = await used(hub)
        master.close()
        master.launch(ZOE_CRASH_AT=Checkpoint.PURGE_LOGS_REMOVED)
        await wish(hub, one)
        assert master.process is not None
        assert await asyncio.to_thread(master.process.wait, 60) == -9
        assert await hub.call(executions.get, one) is not None

        master.start()
        await until_gone(hub, one)

        assert (await used(hub)).millicore_seconds == pytest.approx(before.millicore_seconds)
        assert list((tmp_path / "logs").iterdir()) == []
    finally:
        master.close()


async def test_a_wish_waits_for_a_master(
    database_url: str, tmp_path: Path, hub: HubEnd, engine: FakeEngine
) -> None:
    async with acting(database_url, tmp_path, engine, relist_interval=OFTEN):
        one = await hub.submit()
        await hub.until(one, "running")
        assert not await hub.call(request_purge, one, "olga", datetime.now(UTC))
        await hub.end(one)
        await hub.ended(one)
    await wish(hub, one)
    assert await hub.call(executions.get, one) is not None
    async with acting(database_url, tmp_path, engine, relist_interval=OFTEN):
        await until_gone(hub, one)


class Severed(FakeBackend):
    """Nodes may be out of reach, where everything goes on; or out of the settings as well."""

    away: set[str] = set()
    forgotten: set[str] = set()

    def nodes(self) -> Sequence[Node]:
        known = (each for each in super().nodes() if each.name not in self.forgotten)
        return [replace(each, online=each.name not in self.away) for each in known]

    def observations(self) -> Sequence[Observation]:
        out_of_reach = self.away | self.forgotten
        return [each for each in super().observations() if each.node not in out_of_reach]

    def remove(self, instance: InstanceId) -> None:
        found = self.engine.find(instance)
        if found is not None and found.spec.node not in self.away:
            super().remove(instance)

    def release(self, execution_id: int) -> None:
        if not self.away:
            super().release(execution_id)


@pytest.fixture
def severed() -> type[Severed]:
    """A back-end whose nodes are all there."""

    class Here(Severed):
        away: set[str] = set()
        forgotten: set[str] = set()

    return Here


async def ended_on_a_node_that_went_away(hub: HubEnd, severed: type[Severed]) -> int:
    """An execution that is wished purged; and the purger has looked at the wish."""
    one, other = [await hub.submit() for _ in range(2)]
    for each in (one, other):
        await hub.until(each, "running")
    severed.away.add((await hub.instance(one)).node)
    assert (await hub.ended(one))[0] == "error"
    await hub.end(other)
    await hub.ended(other)
    await wish(hub, one, other)
    await until_gone(hub, other)
    assert await hub.call(executions.get, one) is not None
    return one


async def test_what_a_node_that_is_away_still_has_is_removed_before_it_is_purged(
    database_url: str, tmp_path: Path, hub: HubEnd, engine: FakeEngine, severed: type[Severed]
) -> None:
    """The purger looks more than once between the list in which it is back and the next one."""
    async with acting(database_url, tmp_path, engine, make=severed, relist_interval=1.5):
        one = await ended_on_a_node_that_went_away(hub, severed)
        assert [each.spec.id.execution_id for each in engine.instances()] == [one]

        severed.away.clear()
        await until_gone(hub, one)

        assert engine.instances() == []
        assert await hub.call(known_strangers) == []


async def test_a_node_that_the_settings_have_forgotten_keeps_nothing(
    database_url: str, tmp_path: Path, hub: HubEnd, engine: FakeEngine, severed: type[Severed]
) -> None:
    async with acting(database_url, tmp_path, engine, make=severed, relist_interval=OFTEN):
        one = await ended_on_a_node_that_went_away(hub, severed)
        severed.forgotten |= severed.away
        await until_gone(hub, one)
