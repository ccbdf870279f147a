"""The hub's requests while masters come and go."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.masters import Gate, HubEnd, acting
from tests.support.waiting import eventually_async
from zoe_core.protocol import PROTOCOL_VERSION, ReadLog
from zoe_hub import contact, link
from zoe_hub.link import MasterAway, MasterLink, NotAnswered
from zoe_master.backends.fake import FakeEngine
from zoe_store.cluster import MasterRecord, master_record
from zoe_store.database import Database, DatabaseAway
from zoe_store.keys import KeyRing

PATIENCE = 30.0
"""Seconds."""

SPEAKS_99 = "speaks version 99 of the protocol.*install the same version of Zoe on both sides"


async def test_a_master_that_was_never_there(hub: HubEnd) -> None:
    with pytest.raises(MasterAway, match="the scheduler has not been started yet"):
        await hub.link.queue()
    await hub.link.wake()  # a hint that nobody hears is no error


async def test_many_questions_at_once_each_get_their_own_answer(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "DEADLINE", PATIENCE)  # it is not about how soon
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
        assert (await hub.link.queue()).entries == ()
        assert not following.done()
        engine.say(engine.instances()[0].spec.id, b"at last")
        assert await following == (b"at last", False)


async def test_a_master_that_is_gone_and_its_successor(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine):
        assert (await hub.link.queue()).entries == ()
    with pytest.raises(MasterAway, match="the scheduler does not answer"):
        await hub.link.queue()
    async with acting(database_url, tmp_path, engine):
        assert (await hub.link.queue()).entries == ()


async def test_it_is_known_that_the_master_is_away_and_that_it_is_back(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine):
        assert (await hub.link.queue()).entries == ()
        one = await hub.submit()
        await hub.instance(one, observed="running")
        following = asyncio.create_task(hub.log(one, wait=25))
    with pytest.raises(MasterAway, match=r"the scheduler is away since 20.* UTC"):
        await following  # nobody waits in vain for what a master that is gone would say
    back = asyncio.create_task(hub.link.recovered())
    async with asyncio.timeout(PATIENCE):  # far less than as many deadlines
        for _ in range(100):
            with pytest.raises(MasterAway, match="is away since"):
                await hub.link.explain(one)
    assert not back.done()
    async with acting(database_url, tmp_path, engine), asyncio.timeout(PATIENCE):
        await back
        assert (await hub.link.queue()).entries == ()


async def test_who_asks_one_that_is_away_does_not_wait_for_the_database(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with acting(database_url, tmp_path, engine):
        assert (await hub.link.queue()).entries == ()
    await eventually_async(lambda: not hub.link._contact.there.is_set())
    hangs = Gate()
    monkeypatch.setattr(contact, "master_record", lambda database: hangs())
    try:
        await asyncio.to_thread(hangs.reached.wait, PATIENCE)
        async with asyncio.timeout(PATIENCE / 2):
            with pytest.raises(MasterAway, match="is away since"):
                await hub.link.queue()
    finally:
        monkeypatch.undo()
        hangs.opened.set()


def answers(hub: HubEnd) -> Callable[[], object]:
    """Whether both questions and logs are answered."""

    async def both() -> bool:
        with suppress(MasterAway):
            return ((await hub.link.queue()).entries, await hub.log(10**6)) == ((), (b"", True))
        return False

    return both


async def test_a_hub_that_becomes_known_later_is_let_in(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    key = KeyRing(tmp_path / "keys").clients / "hub.key"
    hidden = key.rename(tmp_path / "hub.key")
    async with acting(database_url, tmp_path, engine):
        with pytest.raises(MasterAway):
            await hub.link.queue()
        hidden.rename(key)
        await eventually_async(answers(hub))


@pytest.mark.parametrize("refused", [1, 2, 3])
async def test_one_connection_that_alone_was_refused_is_made_anew(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    monkeypatch: pytest.MonkeyPatch,
    refused: int,
) -> None:
    asked: list[bytes] = []

    def is_client(ring: KeyRing, key: bytes) -> bool:
        asked.append(key)
        return len(asked) != refused

    monkeypatch.setattr(KeyRing, "is_client", is_client)
    async with acting(database_url, tmp_path, engine):
        await eventually_async(answers(hub), PATIENCE)
        # The one for news is not needed for that, and missed after a while.
        await eventually_async(lambda: len(asked) > 3, PATIENCE)
        await eventually_async(answers(hub), PATIENCE)


@pytest.mark.parametrize("name", ["requests", "logs"])
async def test_a_connection_that_takes_nothing_any_more_is_made_anew(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd, name: str
) -> None:
    async with acting(database_url, tmp_path, engine):
        await eventually_async(answers(hub))
        ours = hub.link._contact
        await eventually_async(lambda: not ours._lost.is_set())
        # So ZeroMQ leaves one that broke and was refused when it was made again.
        urls = {"requests": ours._place.commands_url, "logs": ours._place.logs_url}
        getattr(ours, name)._socket.disconnect(urls[name])
        assert not await answers(hub)()
        await eventually_async(answers(hub))


async def test_the_connection_for_logs_is_made_anew_before_anybody_wants_a_log(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record, hangs, looks = contact.master_record, Gate(), []

    def look(database: Database) -> MasterRecord:
        looks.append(database)
        if len(looks) == 2:
            hangs()
        return record(database)

    monkeypatch.setattr(contact, "master_record", look)
    async with acting(database_url, tmp_path, engine):
        # The first answer comes before the search, which has its own look, has tried both.
        assert (await hub.link.queue()).entries == ()
        ours = hub.link._contact
        refused = ours.logs._socket
        refused.disconnect(ours._place.logs_url)
        hangs.opened.set()
        await eventually_async(lambda: ours.logs._socket is not refused)
        await eventually_async(answers(hub))


@pytest.mark.parametrize("name", ["requests", "logs"])
async def test_a_connection_that_nobody_reads_any_more_is_made_anew(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd, name: str
) -> None:
    async with acting(database_url, tmp_path, engine):
        assert await answers(hub)()
        getattr(hub.link._contact, name)._reader.cancel()
        with pytest.raises(MasterAway, match=r"the scheduler (has|does) not answer"):
            await asyncio.gather(hub.link.queue(), hub.log(10**6))
        assert hub.link._contact.there.is_set(), "its beats are heard"
        await eventually_async(answers(hub))


async def test_without_its_key_the_hub_says_so_until_it_has_it_again(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    key = tmp_path / "keys" / "hub.key_secret"
    hidden = key.rename(tmp_path / "hub.key_secret")
    async with acting(database_url, tmp_path, engine):
        for _ in range(2):
            with pytest.raises(MasterAway, match="cannot be reached: the administrator's log"):
                await hub.link.queue()
        hidden.rename(key)
        await eventually_async(answers(hub))


async def test_who_wants_news_hears_of_a_new_master_without_asking_it(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    heard = asyncio.Event()
    hub.link.ring(heard)
    for _ in range(2):
        async with acting(database_url, tmp_path, engine):
            heard.clear()
            await hub.submit(wake=False)
            async with asyncio.timeout(PATIENCE):
                await heard.wait()
            assert await hub.link.explain(10**6) is None


async def test_too_many_requests_for_logs_are_told_so_and_delay_nobody(
    database_url: str,
    tmp_path: Path,
    engine: FakeEngine,
    hub: HubEnd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contact, "LOGS_AT_ONCE", 3)
    other = HubEnd(database_url, tmp_path)
    async with acting(database_url, tmp_path, engine):
        one = await other.submit()
        await other.instance(one, observed="running")
        following = [asyncio.create_task(other.log(one, wait=25)) for _ in range(3)]
        await eventually_async(lambda: len(other.link._contact.logs._open) == 3)
        with pytest.raises(MasterAway, match="too many requests wait for the scheduler"):
            await other.log(one)
        assert (await other.link.queue()).entries == ()
        assert await hub.log(one) == (b"", False), "others have room of their own"
        engine.say(engine.instances()[0].spec.id, b"at last")
        assert await asyncio.gather(*following) == [(b"at last", False)] * 3
        assert await other.log(one) == (b"at last", False)
    await other.close()


async def test_hints_in_a_burst_become_few(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    async with acting(database_url, tmp_path, engine):
        for _ in range(500):
            await hub.link.wake()
        assert len(hub.link._contact.requests._open) <= 1
        assert (await hub.link.queue()).entries == ()


OF_ANOTHER_VERSION = """
from zoe_core.protocol import envelope
envelope.PROTOCOL_VERSION = 99
from zoe_master.app import main
main()
"""


async def test_a_master_of_another_version_is_refused_by_name_on_both_sides(
    database_url: str, tmp_path: Path, hub: HubEnd
) -> None:
    environment = {
        "ZOE_DATABASE_URL": database_url,
        "ZOE_DIR": str(tmp_path),
        "ZOE_BACKEND": "fake",
    }
    with (tmp_path / "master.log").open("wb") as output:
        master = subprocess.Popen(
            [sys.executable, "-c", OF_ANOTHER_VERSION],
            env=os.environ | environment,
            stdout=output,
            stderr=output,
        )
    try:
        await eventually_async(lambda: master_record(hub.database).commands_url is not None)
        for _ in range(2):
            with pytest.raises(MasterAway, match=SPEAKS_99):
                await hub.link.queue()
        # Its beats alone say so as well.
        silent = HubEnd(database_url, tmp_path)
        silent.link.ring(asyncio.Event())
        await eventually_async(lambda: silent.link._contact._refusal is not None)
        with pytest.raises(MasterAway, match=SPEAKS_99):
            await silent.link.explain(1)
        await silent.close()
    finally:
        master.terminate()
        master.wait(30)
    said = (tmp_path / "master.log").read_text()
    ours = f"the peer speaks version {PROTOCOL_VERSION} of the protocol"
    assert f"Requests of a hub are refused: {ours}" in said


async def test_a_request_that_the_master_cannot_answer_says_why(
    database_url: str, tmp_path: Path, engine: FakeEngine, hub: HubEnd
) -> None:
    wrong = ReadLog.model_construct(
        execution_id=1, service="../x", index=0, attempt=1, offset=0, limit=1, wait=0
    )
    async with acting(database_url, tmp_path, engine):
        with pytest.raises(NotAnswered, match="malformed ReadLog"):
            await hub.link.read_log(wrong)


async def test_the_database_is_away(tmp_path: Path) -> None:
    database = Database("postgresql+psycopg2://nobody@/none?host=/nowhere")
    link = MasterLink(database, tmp_path / "keys")
    with pytest.raises(DatabaseAway):
        await link.queue()
    await link.wake()
    await link.close()
    database.close()
