"""What goes wrong around a master, and that it converges all the same."""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.builders import service, worker, zapp
from tests.support.masters import HubEnd, acting, command
from tests.support.waiting import eventually_async
from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Fatal, InstanceSpec, Retry
from zoe_master.backends.fake import FakeBackend, FakeEngine, Script
from zoe_master.engine import loop
from zoe_store.cluster import master_record
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


async def test_a_master_that_loses_its_lock_stops_and_takes_office_anew(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine):
        running = await hub.submit(command("sleep 1000"))
        await hub.until(running, "running")
        await hub.call(end_the_lock_of_the_master)

        async def epoch() -> bool:
            return (await hub.call(master_record)).epoch == 2

        await eventually_async(epoch, message="the master acts again")
        ending = await hub.submit(command("exit 0"))
        await hub.until(ending, "terminated")
        assert (await hub.get(running)).status == "running"


def end_the_lock_of_the_master(database: Any) -> None:
    with database.transaction() as connection:
        connection.execute(
            text(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' "
                "and objid = :lock"
            ),
            {"lock": 0x5A6F6503},
        )


# --- the engine ---


class Gate:
    """Holds a thread until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.opened.wait(30)


def backend(
    prepare: Callable[[], object] = lambda: None, start: Callable[[], object] = lambda: None
) -> type[FakeBackend]:
    """A fake back-end that does something more first."""

    class Disturbed(FakeBackend):
        def prepare(self, execution_id: int) -> None:
            prepare()

        def start(self, spec: InstanceSpec) -> None:
            start()
            super().start(spec)

    return Disturbed


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
        assert [each.observed for each in instances].count("none") == 4


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
        one = await hub.submit()
        await hub.until(one, "running")
        engine.lose(InstanceId(one, "main", 0))
        await hub.ended(one)
        assert not master.done()
    found = engine.find(unknown.id)
    assert found is not None
    assert found.alive
    said = [each for each in caplog.records if "belongs to no known execution" in each.message]
    assert len(said) == 1
    assert said[0].levelno == logging.WARNING


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
        second = await hub.submit()
        await hub.until(second, "running")
        assert engine.find(foreign) is not None
