"""The end of a term of office: noticed at once, or at the latest when Postgres stays silent."""

import asyncio
import logging
import threading

import pytest

from tests.support.masters import end_the_lock
from zoe_master.engine import guard
from zoe_master.engine.guard import Guard
from zoe_store.database import Database, DatabaseAway
from zoe_store.office import Office, OutOfOffice

LOG = logging.getLogger("tests.guard")


async def test_the_end_of_the_connection_is_noticed_by_itself(
    database: Database, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    monkeypatch.setattr(office, "confirm", asked.set)  # only the connection itself can tell
    watching = asyncio.create_task(Guard(office, LOG).run())
    assert await asyncio.to_thread(asked.wait, 30)
    assert not watching.done()
    await asyncio.to_thread(end_the_lock, database)
    async with asyncio.timeout(30):
        with pytest.raises(OutOfOffice, match="the connection that holds the master's lock has"):
            await watching
    with pytest.raises(OutOfOffice):
        office.require()


async def test_silence_is_borne_for_a_while_only(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a network is cut: nothing comes, not even an end."""
    monkeypatch.setattr(guard, "PATIENCE", 0.1)
    silence = threading.Event()
    monkeypatch.setattr(office, "confirm", lambda: silence.wait(30))
    async with asyncio.timeout(30):
        with pytest.raises(OutOfOffice, match=r"has not confirmed the lock for 0\.1 s"):
            await Guard(office, LOG).run()
    silence.set()
    with pytest.raises(OutOfOffice, match="has not confirmed"):
        office.require()


async def test_a_question_that_fails_now_and_then_means_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "CONFIRM_EVERY", 0.001)
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    answers = [True, False] * 10

    def confirm() -> None:
        if not answers:
            loop.call_soon_threadsafe(asked.set)
        elif not answers.pop():
            raise DatabaseAway("all connections to it are in use")

    monkeypatch.setattr(office, "confirm", confirm)
    watching = asyncio.create_task(Guard(office, LOG).run())
    async with asyncio.timeout(30):
        await asked.wait()
    assert not watching.done()
    office.require()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
