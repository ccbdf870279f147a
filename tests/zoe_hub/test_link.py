"""The hub's requests while masters come and go."""

import asyncio
from pathlib import Path

import pytest

from tests.support.masters import HubEnd, acting
from tests.support.waiting import eventually_async
from zoe_core.protocol import ReadLog
from zoe_hub.link import MasterAway, MasterLink
from zoe_master.backends.fake import FakeEngine
from zoe_store.database import Database, DatabaseAway


async def test_a_master_that_was_never_there(hub: HubEnd) -> None:
    with pytest.raises(MasterAway, match="the scheduler has not been started yet"):
        await hub.link.queue()
    await hub.link.wake()  # a hint that nobody hears is no error


async def test_many_questions_at_once_each_get_their_own_answer(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine):
        ids = [await hub.submit() for _ in range(3)]
        for each in ids:
            await hub.instance(each, observed="running")
        for instance in engine.instances():
            engine.say(instance.spec.id, b"log of %d" % instance.spec.id.execution_id)
        answers = await asyncio.gather(*(hub.log(each) for each in ids * 20))
    assert [data for data, _ in answers] == [b"log of %d" % each for each in ids * 20]


async def test_a_slow_answer_delays_nobody(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine):
        one = await hub.submit()
        await hub.instance(one, observed="running")
        following = asyncio.create_task(hub.log(one, wait=25))
        assert await hub.link.queue() == []
        assert not following.done()
        engine.say(engine.instances()[0].spec.id, b"at last")
        assert await following == (b"at last", False)


async def test_a_master_that_is_gone_and_its_successor(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine):
        assert await hub.link.queue() == []
    with pytest.raises(MasterAway, match="the scheduler does not answer"):
        await hub.link.queue()
    async with acting(database_url, tmp_path, engine):
        assert await hub.link.queue() == []


async def test_who_listens_learns_of_a_new_master_before_asking_it(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    heard = asyncio.Event()
    listening = asyncio.create_task(hub.link.newest_events(heard))
    async with acting(database_url, tmp_path, engine):
        assert await hub.link.queue() == []
    async with acting(database_url, tmp_path, engine):
        heard.clear()

        async def news() -> bool:
            await hub.submit(wake=False)
            return heard.is_set()

        await eventually_async(news)
        assert await hub.link.explain(10**6) is None
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_request_that_the_master_cannot_answer_says_why(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    wrong = ReadLog.model_construct(
        execution_id=1, service="../x", index=0, attempt=1, offset=0, limit=1, wait=0
    )
    async with acting(database_url, tmp_path, engine):
        with pytest.raises(MasterAway, match="malformed ReadLog"):
            await hub.link.read_log(wrong)


async def test_the_database_is_away(tmp_path: Path) -> None:
    database = Database("postgresql+psycopg2://nobody@/none?host=/nowhere")
    link = MasterLink(database, tmp_path / "keys")
    with pytest.raises(DatabaseAway):
        await link.queue()
    await link.wake()
    await link.close()
    database.close()
