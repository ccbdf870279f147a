"""The way of one request through a whole master: real loop, real store, fake engine."""

import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.builders import service, worker, zapp
from tests.support.masters import HubEnd, acting
from tests.support.waiting import eventually_async
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Fatal, Retry
from zoe_master.backends.fake import FakeEngine, Script
from zoe_store.tables import launch_secrets


@pytest.fixture(autouse=True)
async def master(database_url: str, tmp_path: Path, engine: FakeEngine) -> AsyncIterator[None]:
    async with acting(database_url, tmp_path, engine):
        yield


PAIR = zapp(service(), worker(essential=1, elastic=2))


async def test_from_submission_to_the_end(hub: HubEnd, engine: FakeEngine) -> None:
    one = await hub.submit(PAIR)
    await hub.until(one, "running")
    for name in ("main-0", "worker-0", "worker-1", "worker-2"):
        assert (await hub.instance(one, name, "running")).attempt == 1
    engine.exit(InstanceId(one, "main", 0))
    assert await hub.ended(one) == ("terminated", "main-0 has finished.")
    assert await hub.moves(one) == ["queued", "starting", "running", "cleaning_up", "terminated"]
    assert (await hub.instance(one, "worker-2")).exit_code == -15
    assert engine.instances() == []


async def test_a_failure_is_an_error(hub: HubEnd, engine: FakeEngine) -> None:
    one = await hub.submit(PAIR)
    await hub.until(one, "running")
    engine.exit(InstanceId(one, "worker", 0), 3)
    assert await hub.ended(one) == (
        "error",
        "worker-0 has failed with exit code 3; its log may say why.",
    )


async def test_a_lost_elastic_instance_comes_again(hub: HubEnd, engine: FakeEngine) -> None:
    one = await hub.submit(PAIR)
    await hub.until(one, "running")
    await hub.instance(one, "worker-1", "running")
    engine.lose(InstanceId(one, "worker", 1))
    await eventually_async(lambda: engine.find(InstanceId(one, "worker", 1, attempt=2)))
    assert (await hub.get(one)).status == "running"


async def test_the_next_starts_when_there_is_room(hub: HubEnd, engine: FakeEngine) -> None:
    large = zapp(service(essential=2, memory=4))
    first, second = await hub.submit(large), await hub.submit(large)
    await hub.until(first, "running")
    await hub.until(second, "queued")
    engine.exit(InstanceId(first, "main", 0))
    await hub.until(second, "running")


# --- the log ---


async def test_the_log_is_read_while_it_runs_and_after_the_end(
    hub: HubEnd, engine: FakeEngine
) -> None:
    one = await hub.submit()
    await hub.instance(one, observed="running")
    main = InstanceId(one, "main", 0)
    engine.say(main, b"first\n")
    assert await hub.log(one) == (b"first\n", False)
    assert await hub.log(one, offset=2, limit=3) == (b"rst", False)
    assert await hub.log(one, offset=6) == (b"", False)
    engine.say(main, b"last\n")
    engine.exit(main)
    await hub.ended(one)
    assert engine.find(main) is None
    assert await hub.log(one) == (b"first\nlast\n", True)
    assert await hub.log(one, offset=6, limit=2) == (b"la", False)
    assert await hub.log(one, offset=11) == (b"", True)


async def test_who_follows_a_log_gets_new_bytes_at_once(hub: HubEnd, engine: FakeEngine) -> None:
    one = await hub.submit()
    await hub.instance(one, observed="running")
    main = InstanceId(one, "main", 0)
    engine.clock.call_at(engine.clock.now() + 0.2, lambda: engine.say(main, b"new"))
    assert await hub.log(one, wait=25) == (b"new", False)
    engine.clock.call_at(engine.clock.now() + 0.2, lambda: engine.exit(main))
    assert await hub.log(one, offset=3, wait=25) == (b"", True)


async def test_there_is_no_log_of_the_unknown(hub: HubEnd) -> None:
    assert await hub.log(10**6, wait=25) == (b"", True)


# --- the queue ---


async def test_who_waits_is_told_why(hub: HubEnd) -> None:
    first = await hub.submit(zapp(service(memory=3)))
    await hub.until(first, "running")
    second = await hub.submit(zapp(service(essential=2, memory=4)), name="big", user="bob")
    third = await hub.submit(zapp(service(essential=2, memory=4)))
    await hub.until(third, "queued")
    entries = (await hub.link.queue()).entries
    assert [(each.execution_id, each.user, each.name) for each in entries] == [
        (second, "bob", "big"),
        (third, "alice", "test"),
    ]
    why = await hub.link.explain(second)
    assert why == entries[0].explanation
    assert why is not None
    assert (why.position, why.ahead) == (1, ())
    assert why.reasons[0].startswith(
        "Its 2 essential instances start together and need 8 GB, 2 cores in all; 5 GB"
    )
    behind = await hub.link.explain(third)
    assert behind is not None
    assert (behind.position, behind.ahead) == (2, (second,))
    assert await hub.link.explain(first) is None
    assert await hub.link.explain(10**6) is None


# --- the end on demand ---


async def test_ended_while_it_waits(hub: HubEnd, engine: FakeEngine) -> None:
    one = await hub.submit(zapp(service(memory=99)))
    await hub.until(one, "queued")
    await hub.end(one, "She stopped it.")
    assert await hub.ended(one) == ("terminated", "She stopped it.")
    assert await hub.moves(one) == ["queued", "terminated"]
    assert (await hub.link.queue()).entries == ()


async def test_ended_while_it_starts(hub: HubEnd, engine: FakeEngine) -> None:
    engine.script("main", Script(start_delay=1000))
    one = await hub.submit()
    await hub.instance(one, observed="creating")
    assert (await hub.get(one)).status == "starting"
    await hub.end(one)
    assert await hub.ended(one) == ("terminated", "Enough.")
    assert await hub.moves(one) == ["queued", "starting", "cleaning_up", "terminated"]
    assert engine.instances() == []


async def test_ended_while_it_runs(hub: HubEnd, engine: FakeEngine) -> None:
    one = await hub.submit(PAIR)
    await hub.until(one, "running")
    await hub.end(one)
    assert await hub.ended(one) == ("terminated", "Enough.")
    assert engine.instances() == []


async def test_ended_while_it_cleans_up(hub: HubEnd, engine: FakeEngine) -> None:
    stubborn = worker(command=shlex.join(["sh", "-c", "trap '' TERM; sleep infinity"]))
    one = await hub.submit(zapp(service(), stubborn))
    await hub.until(one, "running")
    engine.exit(InstanceId(one, "main", 0), 1)
    await hub.until(one, "cleaning_up")
    await hub.end(one)
    status, reason = await hub.ended(one)
    assert (status, reason) == ("error", "main-0 has failed with exit code 1; its log may say why.")
    killed = await hub.instance(one, "worker-0")
    assert (killed.exit_code, killed.detail) == (-9, "It did not end within 0.2 s and was killed.")


async def test_ended_before_it_was_looked_at(hub: HubEnd) -> None:
    one = await hub.submit(wake=False)
    await hub.end(one)
    assert (await hub.ended(one))[0] == "terminated"


# --- faults of the engine ---


async def test_a_start_that_cannot_work_ends_it_with_the_engines_words(
    hub: HubEnd, engine: FakeEngine
) -> None:
    engine.script("worker", Script(start_errors=(Fatal("No such image: spark."),)))
    one = await hub.submit(zapp(service(), worker()))
    assert await hub.ended(one) == (
        "error",
        "worker-0 could not be started: No such image: spark.",
    )
    assert engine.instances() == []


async def test_an_elastic_instance_that_cannot_start_is_done_without(
    hub: HubEnd, engine: FakeEngine
) -> None:
    engine.script("worker", Script(start_errors=(Fatal("No such image."),) * 3))
    one = await hub.submit(zapp(service(), worker(essential=0, elastic=1)))
    await hub.until(one, "running")
    given_up = await hub.instance(one, "worker-0", "lost")
    assert (given_up.attempt, given_up.detail) == (1, "No such image.")
    engine.exit(InstanceId(one, "main", 0))
    assert (await hub.ended(one))[0] == "terminated"
    assert (await hub.instance(one, "worker-0")).attempt == 1


async def test_a_start_that_fails_for_now_is_tried_again(hub: HubEnd, engine: FakeEngine) -> None:
    engine.script("main", Script(start_errors=(Retry("No address left."),)))
    one = await hub.submit()
    await hub.until(one, "running")
    assert (await hub.instance(one)).attempt == 1


async def test_what_ran_on_a_node_that_fails_is_lost(hub: HubEnd, engine: FakeEngine) -> None:
    one = await hub.submit()
    await hub.until(one, "running")
    name = (await hub.instance(one)).node
    engine.fail_node(name)
    assert await hub.ended(one) == ("error", f"main-0 has disappeared from {name}.")


# --- secrets ---


async def test_secrets_reach_the_instance_and_nothing_else(
    hub: HubEnd, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = {"TOKEN": "s3cr3t", "URL": "http://{dns_name#self}:8888/"}
    server = zapp(service(), worker(essential=1), hub_server="main")
    one = await hub.submit(server, secrets=secrets)
    await hub.until(one, "running")
    found = engine.find(InstanceId(one, "main", 0))
    assert found is not None
    assert found.spec.environment["TOKEN"] == "s3cr3t"
    assert found.spec.environment["URL"] == f"http://main-0.execution-{one}.invalid:8888/"
    assert "s3cr3t" not in repr(found.spec)
    helper = engine.find(InstanceId(one, "worker", 0))
    assert helper is not None
    assert "TOKEN" not in helper.spec.environment
    await hub.end(one)
    await hub.ended(one)
    with hub.database.transaction() as connection:
        assert connection.execute(launch_secrets.select()).all() == []
    assert "s3cr3t" not in caplog.text
