"""When things start, before and after they are launched, as the hub is told by a whole master."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.builders import service, zapp
from tests.support.masters import HubEnd, acting
from tests.support.survivors import family
from tests.support.waiting import eventually_async
from zoe_core.cluster import InstanceId
from zoe_core.protocol import Estimate, QueueEntry
from zoe_core.zapp import ZApp, zapp_document
from zoe_hub.link import NotAnswered
from zoe_master.backends.fake import FakeEngine
from zoe_master.engine import estimator

WHOLE = zapp(service(essential=2, memory=4), name="whole")
"""Takes all that the nodes have."""


@pytest.fixture(autouse=True)
async def master(
    database_url: str, tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    monkeypatch.setattr(estimator, "FORESEE_EVERY", 0.1)
    async with acting(database_url, tmp_path, engine):
        yield


def asked(*candidates: ZApp, **fields: Any) -> Estimate:
    documents = tuple(zapp_document(each) for each in candidates)
    return Estimate(**({"user": "alice", "descriptions": documents} | fields))


async def finish(hub: HubEnd, engine: FakeEngine, one: int) -> None:
    await hub.until(one, "running")
    engine.exit(InstanceId(one, "main", 0))
    await hub.ended(one)


async def entry(hub: HubEnd, one: int) -> QueueEntry:
    """Its place in the queue, once it is foreseen when it starts."""

    async def foreseen() -> QueueEntry | None:
        for each in (await hub.link.queue()).entries:
            if each.execution_id == one and each.expected is not None:
                return each
        return None

    found = await eventually_async(foreseen)
    assert found is not None
    return found


async def test_now_later_and_never(hub: HubEnd) -> None:
    one = await hub.submit(zapp(service(memory=3, essential=2), runtime_limit=3600))
    await hub.until(one, "running")
    small, large, never = await hub.link.estimate(
        asked(zapp(service()), WHOLE, zapp(service(memory=99)))
    )
    assert small.mid is not None
    assert small.mid < 5
    assert small.sentence == "Starts now."
    assert large.mid is not None
    assert 3000 < large.mid <= 3600
    assert large.sentence.startswith("Starts in about 1 h")
    assert (never.low, never.mid, never.high) == (None, None, None)
    assert never.sentence == "No estimate: as things are now it does not start."


async def test_what_cannot_be_read_is_refused(hub: HubEnd) -> None:
    with pytest.raises(NotAnswered, match=r"cannot be read.*services"):
        await hub.link.estimate(asked(descriptions=({"name": "x", "version": 4},)))
    assert await hub.link.estimate(asked(WHOLE))


async def test_what_waits_is_told_when_it_starts_and_how_good_that_was(
    hub: HubEnd, engine: FakeEngine
) -> None:
    await finish(hub, engine, await hub.submit(WHOLE))
    first, second = await hub.submit(WHOLE), await hub.submit(WHOLE)
    told = (await entry(hub, second)).expected
    assert told is not None
    assert told.low <= told.mid
    assert (await hub.link.queue()).error is None
    await eventually_async(lambda: predicted(hub, second))
    await finish(hub, engine, first)
    await hub.until(second, "running")

    async def judged() -> bool:
        error = (await hub.link.queue()).error
        return error is not None and error.count == 1 and error.median >= 0

    await eventually_async(judged)
    record = await hub.get(second)
    assert record.predicted_at is not None
    assert record.predicted_start_low is not None
    assert record.predicted_start_low <= record.predicted_start


async def predicted(hub: HubEnd, one: int) -> bool:
    return (await hub.get(one)).predicted_start is not None


async def test_of_what_nobody_knows_nothing_is_told(hub: HubEnd) -> None:
    await hub.until(await hub.submit(WHOLE), "running")
    second = await hub.submit(WHOLE)
    await hub.until(second, "queued")
    (large,) = await hub.link.estimate(asked(WHOLE))
    assert large.mid is None
    assert large.sentence.startswith("No estimate: nobody can tell how long execution")
    (waiting,) = (await hub.link.queue()).entries
    assert waiting.expected is None


async def test_a_process_that_died_is_replaced(hub: HubEnd) -> None:
    await hub.link.estimate(asked(WHOLE))
    for each in forecasters(psutil.Process().pid):
        each.kill()

    with pytest.raises(NotAnswered, match="try again"):
        await hub.link.estimate(asked(WHOLE))
    assert await hub.link.estimate(asked(WHOLE))


def forecasters(pid: int) -> list[psutil.Process]:
    return [each for each in family(pid) if is_forecaster(each)]


def is_forecaster(process: psutil.Process) -> bool:
    try:
        return "zoe_master.forecast.child" in process.cmdline()
    except psutil.NoSuchProcess:  # or a zombie, of another test perhaps
        return False
