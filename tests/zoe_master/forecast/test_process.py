"""The forecasting process: what it answers, in which time, and when it ends."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import psutil
import pytest

from tests.support.builders import service, zapp
from tests.support.survivors import is_running
from tests.support.waiting import eventually
from tests.zoe_master.forecast.pictures import NOW, PICTURE
from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_core.zapp import zapp_document
from zoe_master.engine.experience import Experience
from zoe_master.forecast import process
from zoe_master.forecast.job import Candidates, Forecast
from zoe_master.forecast.process import BUSY, ForecastProcess, NoForecast


@pytest.fixture
async def asked() -> AsyncIterator[ForecastProcess]:
    log = logging.getLogger("tests.forecast")
    made = ForecastProcess(SchedulingSettings(), StartRules(), Experience(), log)
    yield made
    made.close()


async def ask(
    asked: ForecastProcess, candidates: Candidates | None = None, within: float = 60
) -> Forecast:
    return await asked.ask(lambda: PICTURE, NOW, candidates, within=within)


def candidates(*memory: float) -> Candidates:
    documents = tuple(zapp_document(zapp(service(memory=each))) for each in memory)
    return Candidates("bob", (), documents)


async def test_what_waits_and_what_might_come(asked: ForecastProcess) -> None:
    waiting = await ask(asked)
    assert set(waiting.waiting) == {2}
    assert waiting.waiting[2].mid is not None
    assert 0 < waiting.waiting[2].mid <= 500
    assert waiting.candidates == ()
    pid = asked.pid
    might = await ask(asked, candidates(4, 1, 8))
    assert might.waiting == {}
    # Behind execution 2, of which nobody knows how long it runs; larger than the node.
    assert [each.blockers for each in might.candidates] == [(2,), (2,), ()]
    assert asked.pid == pid


async def test_a_description_that_cannot_be_read_is_said_to_be(asked: ForecastProcess) -> None:
    with pytest.raises(NoForecast, match=r"cannot be read: .*version"):
        await ask(asked, Candidates("bob", (), ({"name": "x"},)))
    assert await ask(asked)


async def test_who_has_no_time_waits_no_longer_and_the_next_gets_an_answer(
    asked: ForecastProcess,
) -> None:
    for _ in range(2):  # before it has started, and then
        with pytest.raises(NoForecast, match=BUSY):
            await ask(asked, within=0)
        assert (await ask(asked)).waiting


async def test_it_knows_none_of_our_secrets(
    asked: ForecastProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOE_DATABASE_URL", "postgresql+psycopg2://zoe:secret@db/zoe")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    await ask(asked)
    known = psutil.Process(asked.pid).environ()
    assert "PATH" in known
    assert "secret" not in str(known)


async def test_one_question_at_a_time(asked: ForecastProcess) -> None:
    answers = await asyncio.gather(*(ask(asked) for _ in range(5)))
    assert all(each == answers[0] for each in answers)


async def test_one_that_was_killed_is_replaced(asked: ForecastProcess) -> None:
    await ask(asked)
    assert asked.pid is not None
    os.kill(asked.pid, signal.SIGKILL)
    with pytest.raises(NoForecast, match="has ended"):
        await ask(asked)
    assert (await ask(asked)).waiting


async def test_one_that_hangs_is_replaced(
    asked: ForecastProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(asked)
    pid = asked.pid
    assert pid is not None
    monkeypatch.setattr(process, "HANGS", 1.0)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(NoForecast, match=BUSY):
        await ask(asked, within=0.2)
    assert (await ask(asked)).waiting
    assert asked.pid != pid


async def test_who_waits_when_it_is_closed_gets_no_answer(asked: ForecastProcess) -> None:
    await ask(asked)
    waiting = [asyncio.create_task(ask(asked)) for _ in range(2)]
    await asyncio.sleep(0)
    asked.close()
    for each in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(each, asyncio.CancelledError | NoForecast)
    assert asked.pid is None


def test_it_ends_with_its_master() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.zoe_master.forecast.asker"], stdout=subprocess.PIPE
    ) as asker:
        assert asker.stdout is not None
        forecaster = psutil.Process(int(asker.stdout.readline()))
        assert is_running(forecaster)
        asker.kill()
    eventually(lambda: not is_running(forecaster))
