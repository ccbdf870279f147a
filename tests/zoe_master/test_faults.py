"""What goes wrong around a master, and that it converges all the same."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Any

import pytest

from tests.support.builders import service, worker, zapp
from tests.support.masters import Gate, HubEnd, MasterProcess, acting, backend, command
from tests.support.waiting import eventually_async
from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Fatal, InstanceSpec, Retry
from zoe_master.backends.fake import FakeBackend, FakeEngine, Script
from zoe_master.engine import loop, observer
from zoe_master.engine.observer import Observer
from zoe_store import master
from zoe_store.cluster import Stranger, known_strangers
from zoe_store.database import DatabaseAway
from zoe_store.executions import instances_of

NEVER = 1000.0
"""Seconds: longer than any test."""


def stray(execution_id: int) -> InstanceSpec:
    """An instance that no master has asked for now."""
    return InstanceSpec(
        id=InstanceId(execution_id, "main", 0),
        node="node-0",
        image="test",
        command=None,
        environment={},
        reservation=Amount(),
        workspace="/w",
        user="alice",
    )


# --- hub and master miss each other ---


async def test_a_lost_wake_up_is_caught_up(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine, relist_interval=NEVER):
        one = await hub.submit(wake=False)
        await hub.until(one, "running")


async def test_what_was_submitted_and_ended_meanwhile_is_seen_to(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    stays = await hub.submit(wake=False)
    goes = await hub.submit(wake=False)
    await hub.end(goes)
    async with acting(database_url, tmp_path, engine):
        await hub.until(stays, "running")
        await hub.ended(goes)
        assert await hub.moves(goes) == ["queued", "terminated"]


async def test_any_number_may_have_been_submitted_while_no_master_was_there(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(master, "PAGE", 2)
    monkeypatch.setattr(loop, "LOOK_EVERY", NEVER)
    too_large = zapp(service(memory=1000))
    backlog = [await hub.submit(too_large, wake=False) for _ in range(9)]
    async with acting(database_url, tmp_path, engine, relist_interval=NEVER):
        for each in backlog:
            await hub.until(each, "queued")


async def test_the_next_master_goes_on_where_the_last_one_was(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    large = zapp(service(essential=2, memory=4))
    async with acting(database_url, tmp_path, engine):
        running, waiting = await hub.submit(large), await hub.submit(large)
        await hub.until(running, "running")
        await hub.until(waiting, "queued")
    assert len(engine.instances()) == 2
    engine.exit(InstanceId(running, "main", 1))
    async with acting(database_url, tmp_path, engine):
        assert await hub.ended(running) == ("terminated", "main-1 has finished.")
        await hub.until(waiting, "running")
        assert (await hub.instance(waiting)).attempt == 1


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_write_that_failed_may_have_taken_place(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """Each step's first write meets a database that goes away before or after the commit."""
    write = loop.write_advance
    failed: set[str] = set()

    def unsure(office: Any, advance: Any, handled: Any, now: Any) -> int:
        what = str([event.data for event in advance.events])
        if what in failed:
            return write(office, advance, handled, now)
        failed.add(what)
        if moment == "after":
            write(office, advance, handled, now)
        raise DatabaseAway("the server closed the connection unexpectedly")

    monkeypatch.setattr(loop, "write_advance", unsure)
    monkeypatch.setattr(loop, "LOOK_EVERY", 0.05)
    async with acting(database_url, tmp_path, engine):
        ends, ended = await hub.submit(), await hub.submit()
        await hub.until(ends, "running")
        await hub.until(ended, "running")
        engine.exit(InstanceId(ends, "main", 0))
        await hub.end(ended)
        for one in (ends, ended):
            assert (await hub.ended(one))[0] == "terminated"
            moves = ["queued", "starting", "running", "cleaning_up", "terminated"]
            assert await hub.moves(one) == moves
    assert len(failed) > 4
    assert engine.instances() == []


def test_an_address_that_is_none_of_this_machine_is_told_in_one_line(
    database_url: str, tmp_path: Path
) -> None:
    refused = MasterProcess(database_url, tmp_path / "master", address="192.0.2.1")
    refused.launch()
    assert refused.process is not None
    assert refused.process.wait(60) == 1
    said = refused.log.read_text()
    assert "CRITICAL | c.ZoeMaster.address is '192.0.2.1', and the master cannot listen" in said
    assert "Traceback" not in said
    refused.close()


# --- the engine ---


async def test_what_is_ended_while_its_start_is_under_way_leaves_nothing(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    gate = Gate()
    async with acting(database_url, tmp_path, engine, backend(start=gate)):
        one = await hub.submit(zapp(service(essential=2)))
        await asyncio.to_thread(gate.reached.wait)
        await hub.end(one)
        await hub.until(one, "cleaning_up")
        gate.opened.set()
        assert await hub.ended(one) == ("terminated", "Enough.")
        assert engine.instances() == []
        (instances,) = (await hub.call(instances_of, [one])).values()
        assert {each.exit_code for each in instances} == {-15}


async def test_instances_that_wait_for_a_thread_are_not_started_for_nothing(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    gate = Gate()
    disturbed = backend(start=gate)
    async with acting(database_url, tmp_path, engine, disturbed, effect_threads=1):
        one = await hub.submit(zapp(service(essential=5)))
        await asyncio.to_thread(gate.reached.wait)
        await hub.end(one)
        await hub.until(one, "cleaning_up")
        gate.opened.set()
        await hub.ended(one)
        (instances,) = (await hub.call(instances_of, [one])).values()
        assert [each.started_at for each in instances].count(None) == 4


async def test_a_network_that_cannot_be_made_ends_it_with_the_engines_words(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    def fail() -> None:
        raise Fatal("All address pools are used up.")

    async with acting(database_url, tmp_path, engine, backend(prepare=fail)):
        one = await hub.submit()
        assert await hub.ended(one) == (
            "error",
            "main-0 could not be started: All address pools are used up.",
        )


@pytest.mark.parametrize("error", [Retry("The engine does not answer."), OSError("disk full")])
async def test_an_effect_that_fails_is_tried_again(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = [error]

    def fail_once() -> None:
        if errors:
            raise errors.pop()

    async with acting(database_url, tmp_path, engine, backend(prepare=fail_once)):
        one = await hub.submit()
        await hub.until(one, "running")


async def test_a_stop_that_came_to_nothing_is_repeated(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    asked: list[InstanceId] = []

    class Deaf(FakeBackend):
        def stop(self, instance: InstanceId, grace: float, signal: Signals = SIGTERM) -> None:
            asked.append(instance)
            if len(asked) > 2:
                super().stop(instance, grace, signal)

    async with acting(database_url, tmp_path, engine, Deaf, relist_interval=0.05):
        one = await hub.submit()
        await hub.until(one, "running")
        await hub.end(one)
        assert await hub.ended(one) == ("terminated", "Enough.")
    assert asked[:3] == [InstanceId(one, "main", 0)] * 3


async def test_a_start_that_came_to_nothing_is_found_out(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    class Forgetful(FakeBackend):
        def start(self, spec: InstanceSpec) -> None:
            pass

    async with acting(database_url, tmp_path, engine, Forgetful, relist_interval=0.05):
        one = await hub.submit()
        status, reason = await hub.ended(one)
        assert status == "error"
        assert str(reason).startswith("main-0 could not be started")


async def test_a_gang_that_is_never_whole_is_tried_anew_and_given_up(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    engine.script("worker", Script(start_delay=NEVER))
    rules = {"start_deadline": 0.3, "start_attempts": 2}
    async with acting(database_url, tmp_path, engine, **rules):
        one = await hub.submit(zapp(service(), worker()))
        assert await hub.ended(one) == (
            "error",
            "It did not start in 2 attempts; the last time worker-0 was not ready.",
        )
        assert (await hub.instance(one, "worker-0")).attempt == 2
        assert await hub.moves(one) == [*["queued", "starting"] * 2, "cleaning_up", "error"]
        assert engine.instances() == []


async def test_room_is_given_to_nobody_while_a_start_that_was_given_up_is_under_way(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    """Two of these fit no node."""
    large = zapp(service(essential=2, memory=3))
    gate = Gate()
    async with acting(database_url, tmp_path, engine, backend(start=gate), relist_interval=0.05):
        one = await hub.submit(large)
        await asyncio.to_thread(gate.reached.wait)
        await hub.end(one)
        await hub.until(one, "cleaning_up")
        other = await hub.submit(large)
        later = await hub.submit(zapp(service(memory=0.5)))
        await hub.until(later, "starting")
        assert (await hub.get(other)).status == "queued", "it was decided upon, before the later"
        gate.opened.set()
        await hub.ended(one)
        await hub.until(other, "running")


async def test_a_start_that_hangs_holds_up_nobody_and_its_gang_is_taken_down(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    gate = Gate()

    class Hanging(FakeBackend):
        def start(self, spec: InstanceSpec) -> None:
            if spec.id.service == "worker" and spec.id.attempt == 1:
                gate()
            super().start(spec)

    rules = {"start_deadline": 0.5, "start_attempts": 1000}
    async with acting(database_url, tmp_path, engine, Hanging, **rules):
        gang = await hub.submit(zapp(service(), worker()))
        await asyncio.to_thread(gate.reached.wait)
        other = await hub.submit(command("exit 0"))
        assert (await hub.ended(other))[0] == "terminated"

        first = InstanceId(gang, "main", 0)
        await eventually_async(lambda: (found := engine.find(first)) and not found.alive)
        # The one that hangs may still turn up: two of one instance never run side by side.
        assert (await hub.get(gang)).status == "queued"
        assert (await hub.instance(gang, "worker-0")).attempt == 1
        gate.opened.set()
        late = InstanceId(gang, "worker", 0)
        await eventually_async(lambda: (found := engine.find(late)) and not found.alive)
        await hub.until(gang, "running")
        await hub.end(gang)
        await hub.ended(gang)
        assert engine.instances() == []


# --- strays ---


async def test_what_an_ended_execution_left_is_removed(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine):
        one = await hub.submit(wake=False)
        await hub.end(one)
        await hub.ended(one)
        engine.start(stray(one))
        engine.say(stray(one).id, b"last words")
        await eventually_async(lambda: engine.find(stray(one).id) is None)
        assert await hub.log(one) == (b"last words", True)


async def test_one_that_was_lost_and_comes_back_is_ended(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine, relist_interval=0.05):
        one = await hub.submit(zapp(service(), worker(elastic=1)))
        name = "worker-1"
        await hub.instance(one, name, "running")
        spec = engine.find(InstanceId(one, "worker", 1)).spec
        engine.lose(spec.id)
        await hub.instance(one, name, "running")
        engine.remove(spec.id)
        engine.start(spec)

        def ended() -> bool:
            found = engine.find(spec.id)
            assert found is not None
            return not found.alive

        await eventually_async(ended)
        second = await hub.instance(one, name, "running")
        assert (second.attempt, second.observed) == (2, "running")


async def test_what_nothing_explains_is_left_alone_and_told_once(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    caplog: pytest.LogCaptureFixture,
) -> None:
    unknown = stray(10**6)
    engine.start(unknown)
    async with acting(database_url, tmp_path, engine, relist_interval=0.05) as master:
        (first,) = await strangers_of(hub, 1)
        await hub.ended(await hub.submit(command("exit 0")))
        assert not master.done()
    found = engine.find(unknown.id)
    assert found is not None
    assert found.alive
    engine.exit(unknown.id)
    async with acting(database_url, tmp_path, engine, relist_interval=0.05):
        (second,) = await strangers_of(hub, 1)
        assert (first.observed, second.observed) == ("running", "exited")
        assert replace(second, observed=first.observed) == first, "also when it was first seen"
        engine.remove(unknown.id)
        assert await strangers_of(hub, 0) == []
    assert first.why == "The database knows no execution 1000000."
    said = [each for each in caplog.records if first.why in each.getMessage()]
    assert [each.levelno for each in said] == [logging.WARNING], "once, over both masters"


async def strangers_of(hub: HubEnd, number: int) -> list[Stranger]:
    """Wait until so many instances are listed that nothing explains."""

    async def listed() -> tuple[list[Stranger]]:
        found = await hub.call(known_strangers)
        assert len(found) == number
        return (found,)

    return (await eventually_async(listed))[0]


async def test_the_list_of_strangers_is_written_only_when_it_changes(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written, relisted = [], []
    write, tidy = observer.write_strangers, Observer._tidy

    def counted(office: Any, seen: Any, now: Any) -> list[InstanceId]:
        written.append([each.id.execution_id for each in seen])
        return write(office, seen, now)

    def told(self: Observer, listed: Any) -> set[str]:
        relisted.append(len(listed))
        return tidy(self, listed)

    monkeypatch.setattr(observer, "write_strangers", counted)
    monkeypatch.setattr(Observer, "_tidy", told)
    engine.start(stray(10**6))
    async with acting(database_url, tmp_path, engine, relist_interval=0.02):
        await eventually_async(lambda: len(relisted) > 5)
        engine.start(stray(10**7))
        await strangers_of(hub, 2)
    assert written == [[10**6], [10**6, 10**7]]


async def test_an_instance_that_a_live_execution_does_not_know_is_left_alone(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    """As after a database was restored from a backup."""
    async with acting(database_url, tmp_path, engine):
        one = await hub.submit()
        await hub.until(one, "running")
    foreign = InstanceId(one, "other", 0)
    engine.start(replace(stray(one), id=foreign))
    async with acting(database_url, tmp_path, engine):
        (stranger,) = await strangers_of(hub, 1)
        second = await hub.submit()
        await hub.until(second, "running")
        assert stranger.id == foreign
        assert stranger.why == f"Execution {one} is running, and knows nothing of this attempt."
        assert engine.find(foreign) is not None
        assert (await hub.get(one)).status == "running"
