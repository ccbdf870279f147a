"""Measured use: of what runs, more often while somebody asks, and forgotten with its execution."""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.builders import (
    DEFAULTS,
    GB,
    START,
    execution,
    instance,
    node,
    service,
    snapshot,
    zapp,
)
from tests.support.waiting import eventually_async
from zoe_core.amount import Amount
from zoe_core.cluster import Capabilities, InstanceId, Observed, Snapshot
from zoe_core.protocol import NodeUse, Use
from zoe_master.backends.base import Retry, Usage
from zoe_master.backends.fake import FakeBackend, FakeEngine, ManualClock
from zoe_master.engine import meter as meters
from zoe_master.engine.meter import Meter

SINCE = START.timestamp()


class Measured(FakeBackend):
    """Says what each instance uses; ``wrong`` raises, ``hanging`` never answers."""

    capabilities = Capabilities(memory_limits=True)

    def __init__(self, directory: Path) -> None:
        super().__init__(
            deployment="test", directory=str(directory), engine=FakeEngine(ManualClock())
        )
        self.asked: Counter[int] = Counter()
        self.uses: dict[InstanceId, Usage | Exception | None] = {}
        self.hanging: set[int] = set()
        self.opened = threading.Event()

    def usage(self, instance: InstanceId) -> Usage | None:
        self.asked[instance.execution_id] += 1
        if instance.execution_id in self.hanging:
            self.opened.wait(30)
        use = self.uses.get(instance, Usage(GB, 10.0))
        if isinstance(use, Exception):
            raise use
        return use


class Site:
    """A meter and what it sees; a round has passed when ``round`` returns."""

    def __init__(self, backend: Measured) -> None:
        self.backend = backend
        self.now = SINCE
        self.snapshot = snapshot((), (), ())
        self.monotonic = 0.0
        self.meter = Meter(
            backend=backend,
            defaults=DEFAULTS,
            snapshot=lambda: self.snapshot,
            log=logging.getLogger("tests.meter"),
            clock=lambda: self.now,
        )

    async def round(self, seconds: float = 15.0) -> None:
        self.now += seconds
        self.monotonic += seconds
        self.meter._begin_what_is_due(self.monotonic)
        await self.settled()

    async def settled(self) -> None:
        turns = self.meter._turns
        hanging = len(self.backend.hanging)
        await eventually_async(lambda: not turns._waiting and turns._threads <= hanging)


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    backend = Measured(tmp_path)
    made = Site(backend)
    clocks = SimpleNamespace(monotonic=lambda: made.monotonic, thread_time=time.thread_time)
    monkeypatch.setattr(meters, "time", clocks)
    yield made
    backend.opened.set()
    backend.close()


def picture(*numbers: int, **fields: Any) -> Snapshot:
    executions = [execution(each, status="running") for each in numbers]
    return snapshot((), executions, [instance(each, **fields) for each in numbers])


async def test_what_runs_is_measured(site: Site) -> None:
    site.snapshot = picture(1)
    one = InstanceId(1, "main", 0)
    site.backend.uses[one] = Usage(GB, 30.0)
    await site.round()
    site.backend.uses[one] = Usage(2 * GB, 37.5)
    await site.round()
    (found,) = (await site.meter.answer(Use(execution_id=1))).items
    assert (found.instance, found.attempt) == ("main-0", 1)
    assert found.reserved == Amount.of(GB, 1)
    assert found.at == (SINCE + 15, SINCE + 30)
    assert found.memory == (GB, 2 * GB)
    assert found.cores == (2.0, 0.5), "the first since it started"


async def test_what_does_not_run_is_not(site: Site) -> None:
    site.snapshot = picture(1, observed=Observed.CREATING, started_at=None)
    await site.round()
    assert not site.backend.asked
    assert (await site.meter.answer(Use(execution_id=1))).items == ()
    assert (await site.meter.answer(Use(execution_id=99))).items == ()


async def test_somebody_who_asks_has_it_measured_at_once_and_more_often(site: Site) -> None:
    site.snapshot = picture(1, 2)
    await site.round()
    assert (await site.meter.answer(Use(execution_id=1, newest=True))).items
    await site.settled()
    assert site.backend.asked == {1: 2, 2: 1}
    for _ in range(5):
        await site.round(5.0)
    assert site.backend.asked[1] in (7, 8), "it may be met by the round of all as well"
    assert site.backend.asked[2] == 2
    for _ in range(4):
        await site.round(15.0)  # a while after the last question
    asked = site.backend.asked.copy()
    await site.round(5.0)
    assert site.backend.asked == asked


async def test_the_newest_is_of_what_runs_alone(site: Site) -> None:
    site.snapshot = picture(1)
    one = InstanceId(1, "main", 0)
    for cpu in (15.0, 20.0):
        site.backend.uses[one] = Usage(GB, cpu)
        await site.round()
    (found,) = (await site.meter.answer(Use(execution_id=1, newest=True))).items
    assert (found.at, found.memory, found.cores) == ((SINCE + 30,), (GB,), (0.3333,))
    assert found.reserved is None
    await site.settled()
    assert site.meter.used_by_node() == {"node-0": (GB, pytest.approx(1 / 3))}
    site.snapshot = picture(1, observed=Observed.EXITED)
    assert (await site.meter.answer(Use(execution_id=1, newest=True))).items == ()
    assert site.meter.used_by_node() == {}
    (found,) = (await site.meter.answer(Use(execution_id=1))).items
    assert len(found.at) == 2, "as long as the execution lives its whole use is told"


async def test_what_nodes_use_is_told_as_far_as_it_is_known(site: Site) -> None:
    nodes = [node(f"node-{each}") for each in range(3)] + [node("off", online=False)]
    running = [execution(each, status="running") for each in range(4)]
    places = ("node-0", "node-0", "node-1", "off")
    instances = [instance(each, node=place) for each, place in enumerate(places)]
    site.snapshot = snapshot(nodes, running, instances)
    second = InstanceId(1, "main", 0)
    site.backend.uses[InstanceId(0, "main", 0)] = Usage(GB, 8.0)
    site.backend.uses[second] = None
    nothing = [NodeUse(node=f"node-{each}", memory=0, cores=0.0) for each in range(3)]
    assert list(site.meter.nodes_use().items) == nothing, "what has just begun uses nothing yet"
    await site.round(16.0)
    assert _used(site) == {"node-1": (GB, 0.625), "node-2": (0, 0.0)}, "one of two is not enough"
    site.backend.uses[second] = Usage(GB, 16.0)
    await site.round(16.0)
    assert _used(site) == {"node-0": (2 * GB, 0.5), "node-1": (GB, 0.0), "node-2": (0, 0.0)}


async def test_what_is_fresh_on_a_node_counts_as_nothing_until_it_is_measured(site: Site) -> None:
    running = [execution(each, status="running") for each in range(2)]
    site.snapshot = snapshot([node("node-0")], running, [instance(0)])
    site.backend.uses[InstanceId(0, "main", 0)] = Usage(GB, 8.0)
    site.backend.uses[InstanceId(1, "main", 0)] = None
    await site.round(16.0)
    fresh = instance(1, started_at=START + timedelta(seconds=10))
    site.snapshot = snapshot([node("node-0")], running, [instance(0), fresh])
    await site.round(8.0)
    assert _used(site) == {"node-0": (GB, 0.5)}
    site.now = SINCE + 10 + meters.ALL_EVERY + 1
    assert _used(site) == {}, "it should have been measured by now"


def _used(site: Site) -> dict[str, tuple[int, float]]:
    return {each.node: (each.memory, each.cores) for each in site.meter.nodes_use().items}


async def test_another_attempt_begins_anew(site: Site) -> None:
    site.snapshot = picture(1)
    await site.round()
    both = [instance(1, observed=Observed.EXITED), instance(1, attempt=2)]
    site.snapshot = snapshot((), execution(1, status="running"), both)
    await site.round()
    (found,) = (await site.meter.answer(Use(execution_id=1))).items
    assert (found.attempt, found.at) == (2, (SINCE + 30,))


async def test_it_is_forgotten_with_its_execution(site: Site) -> None:
    site.snapshot = picture(1)
    await site.round()
    site.snapshot = picture(2)
    await site.round()
    assert set(site.meter._measured) == {2}


async def test_what_cannot_be_measured_now_is_measured_later(site: Site) -> None:
    site.snapshot = picture(1, 2, 3)
    wrong = (Retry("its engine is away"), None, ValueError("nobody foresaw this"))
    for number, each in enumerate(wrong, start=1):
        site.backend.uses[InstanceId(number, "main", 0)] = each
    await site.round()
    assert not site.meter._measured
    site.backend.uses.clear()
    await site.round()
    assert set(site.meter._measured) == {1, 2, 3}


async def test_one_that_hangs_holds_up_no_other(site: Site) -> None:
    site.snapshot = picture(*range(1, 31))
    site.backend.hanging = {7}
    for _ in range(3):
        await site.round()
    assert site.backend.asked == dict.fromkeys(range(1, 31), 3) | {7: 1}
    assert set(site.meter._measured) == set(range(1, 31)) - {7}


async def test_rounds_become_rare_when_they_cost_much(site: Site) -> None:
    site.snapshot = picture(1)
    await site.round()
    site.meter._all.spent = 2.0  # CPU seconds: 40 seconds of a twentieth of a core
    await site.round(30.0)
    assert site.backend.asked[1] == 1
    await site.round(10.0)
    assert site.backend.asked[1] == 2


@pytest.mark.parametrize(("count", "each"), [(10, 240), (200, 120), (1200, 24)])
async def test_an_answer_is_bounded(site: Site, count: int, each: int) -> None:
    instances = [instance(1, index=number) for number in range(count)]
    site.snapshot = snapshot((), execution(1, status="running"), instances)
    for number in range(min(count, 1000)):
        for moment in range(1, 241):
            turn = next(iter(meters._turns([instances[number]], watched=False)))
            site.now = SINCE + 5 * moment
            site.meter._take_in(turn, Usage(1, 5.0 * moment))
    found = (await site.meter.answer(Use(execution_id=1))).items
    assert len(found) == min(count, 1000)
    assert all(each // 2 <= len(item.at) <= each for item in found)


async def test_the_limit_is_told_where_there_is_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = service(resources={"memory": {"min": GB, "max": 2 * GB}, "cores": {"min": 1}})
    site.snapshot = snapshot((), execution(1, status="running", zapp=zapp(limited)), [instance(1)])
    for capable, limit in ((True, 2 * GB), (False, None)):
        monkeypatch.setattr(site.backend, "capabilities", Capabilities(memory_limits=capable))
        (found,) = (await site.meter.answer(Use(execution_id=1))).items
        assert found.memory_limit == limit


async def test_it_goes_on_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(meters, "ALL_EVERY", 0.0)
    backend = Measured(tmp_path)
    site = Site(backend)
    site.snapshot = picture(1)
    running = asyncio.create_task(site.meter.run())
    await eventually_async(lambda: backend.asked[1] >= 3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    backend.close()
