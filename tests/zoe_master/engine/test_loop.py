"""When the loop acts, and on what: never ahead of what its step has taken in."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, cast

import pytest

from tests.support.builders import DEFAULTS, after, execution, instance
from tests.support.waiting import eventually_async
from zoe_core.cluster import Desired, Observed, Snapshot
from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_master.backends.base import Observation
from zoe_master.engine import loop
from zoe_master.engine.experience import Experience
from zoe_master.engine.figures import FigureBook
from zoe_master.engine.inbox import Inbox
from zoe_master.engine.loop import Loop
from zoe_master.engine.meter import Meter
from zoe_master.engine.reactor import Reactor, Sighting
from zoe_store.database import DatabaseAway
from zoe_store.master import News
from zoe_store.past import Run

GIVEN_UP = instance(1, desired=Desired.ABSENT, observed=Observed.NONE)
"""Its start has returned, or that of the last master has; no step knows of it yet."""
TURNS_UP = Sighting(Observation(GIVEN_UP.id, Observed.RUNNING, GIVEN_UP.node))


class Acts:
    """Notes what the loop asks of the applier."""

    def __init__(self) -> None:
        self.noted: list[tuple[Any, ...]] = []

    def look(self, snapshot: Snapshot, execution_ids: Iterable[int]) -> None:
        seen = [each.observed for each in snapshot.instances_of(1)]
        self.noted.append(("look", *seen, *execution_ids))

    def doubt(self, since: float) -> None:
        self.noted.append(("doubt", since))


class Database:
    """Stands in for the queries of the loop; ``while_writing`` is called amid each step."""

    def __init__(self) -> None:
        self.while_writing: Any = None

    def heartbeat(self, _: object) -> None:
        if self.while_writing:
            self.while_writing()

    def write_advance(self, *_: object) -> int:
        return 0


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    made = Database()
    monkeypatch.setattr(loop, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(loop, "read_news", lambda _: News((), ()))
    monkeypatch.setattr(loop, "write_advance", made.write_advance)
    monkeypatch.setattr(loop, "heartbeat", made.heartbeat)
    return made


@pytest.fixture
def acts() -> Acts:
    return Acts()


@pytest.fixture
async def running(database: Database, acts: Acts) -> Loop:
    reactor = Reactor(
        executions=[execution(1, status="cleaning_up")],
        instances=[GIVEN_UP],
        settings=SchedulingSettings(defaults=DEFAULTS),
        rules=StartRules(),
    )
    log = logging.getLogger("tests.loop")
    return Loop(
        office=None,
        inbox=Inbox(),
        reactor=reactor,
        experience=Experience(),
        applier=acts,
        publisher=None,
        figures=FigureBook(cast(Meter, None)),
        clock=lambda: after(0),
        log=log,
    )


async def test_a_new_term_acts_only_on_what_the_first_list_has_shown(
    running: Loop, acts: Acts
) -> None:
    running._inbox.saw_list(7.0, TURNS_UP)
    await running._cycle()
    assert acts.noted == [("doubt", 7.0), ("look", Observed.RUNNING, 1)]


async def test_a_list_that_comes_during_a_step_counts_with_the_next(
    running: Loop, acts: Acts, database: Database
) -> None:
    def relist() -> None:
        database.while_writing = None
        running._inbox.saw_list(7.0, TURNS_UP)

    database.while_writing = relist
    await running._cycle()
    assert acts.noted == [("look", Observed.NONE, 1)]
    await running._cycle()
    assert acts.noted[1:] == [("doubt", 7.0), ("look", Observed.RUNNING, 1)]


async def test_a_full_page_of_news_is_followed_by_the_next_at_once(
    running: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else would ever wake the loop."""
    monkeypatch.setattr(loop, "LOOK_EVERY", 1000.0)
    pages = iter([News((), (), more=True)] * 3)
    all_read = asyncio.Event()
    main = asyncio.get_running_loop()

    def read_news(_: object) -> News:
        page = next(pages, None)
        if page is None:
            main.call_soon_threadsafe(all_read.set)
        return page or News((), ())

    monkeypatch.setattr(loop, "read_news", read_news)
    task = asyncio.create_task(running.run())
    async with asyncio.timeout(30):
        await all_read.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_ended_in_a_step_of_which_nobody_knows_whether_it_was_written_is_learnt_from(
    running: Loop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, away_for_long = [after(0)], [DatabaseAway("It is restarted.")]
    monkeypatch.setattr(running, "_clock", lambda: now[0])

    def load_live(_: object) -> tuple[list[Any], list[Any]]:
        now[0] = after(5000)
        if away_for_long:
            raise away_for_long.pop()
        return [], []

    def fail() -> None:
        database.while_writing = None
        raise DatabaseAway("It is restarted.")

    monkeypatch.setattr(loop, "load_live", load_live)
    running._reactor.reload([execution(2, status="running", started_at=after(-60))], [])
    database.while_writing = fail
    task = asyncio.create_task(running.run())
    await eventually_async(lambda: running._experience.count)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert running._experience.since(0) == (Run("alice", "app", 60),)


async def test_nothing_is_done_about_a_step_that_could_not_be_written(
    running: Loop, acts: Acts, database: Database
) -> None:
    def fail() -> None:
        database.while_writing = None
        raise DatabaseAway("It is restarted.")

    running._inbox.saw_list(7.0, TURNS_UP)
    database.while_writing = fail
    with pytest.raises(DatabaseAway):
        await running._cycle()
    assert acts.noted == []
    await running._cycle()
    assert acts.noted == [("doubt", 7.0), ("look", Observed.RUNNING, 1)]
