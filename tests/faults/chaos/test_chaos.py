"""Parts are killed at random while people launch and end executions; nothing is lost.

`make chaos` is a longer run. CHAOS_SECONDS and CHAOS_EXECUTIONS say how much for each world,
CHAOS_SEED repeats the choices (not the timing) of an earlier run.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.chaos import evidence, programs
from tests.faults.chaos.checks import check_all
from tests.faults.chaos.customers import Customers, Order, plan_orders
from tests.faults.chaos.ground import CORES, FakeGround, Ground, ProcessGround
from tests.faults.chaos.hub_managed import HubManaged
from tests.faults.chaos.killer import Killer
from tests.faults.chaos.reader import Reader
from tests.faults.chaos.scale import SCALE
from tests.faults.chaos.standalone import Standalone
from tests.faults.chaos.timeline import Timeline
from tests.faults.chaos.world import World
from tests.support.builders import service
from tests.support.waiting import eventually
from zoe_store.database import Database, DatabaseAway

_SETTLE = 90.0  # seconds until all have ended after the last fault
_LOG = 60_000  # characters shown of each log

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300 + 2 * SCALE.seconds)]

WORLDS: dict[str, type[World]] = {"hub-managed": HubManaged, "standalone": Standalone}
GROUNDS: dict[str, type[Ground]] = {"fake": FakeGround, "process": ProcessGround}


@pytest.fixture(params=GROUNDS)
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    return GROUNDS[request.param](tmp_path / "zoe")


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, ground: Ground) -> Iterator[World]:
    print(SCALE)
    with WORLDS[request.param](tmp_path / "zoe", ground) as world:
        yield world


def test_nothing_acknowledged_is_lost(world: World, request: pytest.FixtureRequest) -> None:
    name, timeline = request.node.name, Timeline()
    kinds = programs.draw(SCALE.random_for(f"{name} kinds"), SCALE.executions)
    orders = plan_orders(SCALE.random_for(f"{name} orders"), kinds, SCALE.seconds)
    killer = Killer(world, SCALE.random_for(f"{name} faults"), timeline)
    with (
        closing(Customers(world, orders, timeline)) as customers,
        closing(Reader(world)) as reader,
        closing(Database(world.database_url)) as database,
    ):
        try:
            customers.begin()
            killer.rampage(SCALE.seconds)
            come_back(world, customers)
            timeline.add("the scheduler runs")
            customers.finish()
            timeline.add("all is acknowledged")
            all_end(database)
            timeline.add("all have ended")
            findings = customers.complaints + settled(world, database, orders, reader)
            assert not findings, tell(findings, evidence.collect(database))
            is_as_new(world, customers, database)
        finally:
            report(world, timeline)


def come_back(world: World, customers: Customers) -> None:
    """Restart what is to be restarted, until Zoe says that its scheduler runs."""

    def runs() -> bool:
        world.revive()
        return customers.info().get("scheduler", {}).get("status") == "running"

    eventually(runs, timeout=_SETTLE, message="the scheduler runs")


def all_end(database: Database) -> None:
    """Wait until every execution is in a final state."""

    def none_is_live() -> bool:
        try:
            left = evidence.live(database)
        except DatabaseAway as error:
            raise AssertionError(error) from error
        assert not left, f"live executions: {left}"
        return True

    try:
        eventually(none_is_live, timeout=_SETTLE)
    except AssertionError as error:
        found = evidence.collect(database)
        stories = "\n".join(found.story(each) for each in evidence.live(database))
        raise AssertionError(f"{error}\n{stories}") from None


def settled(world: World, database: Database, orders: list[Order], reader: Reader) -> list[str]:
    """What is wrong still some seconds later: the next full list may find something to remove."""
    ground = world.ground

    def find() -> list[str]:
        found = evidence.collect(database)
        return list(check_all(found, orders, ground.runs(), ground.leftovers(), reader.seen))

    try:
        eventually(lambda: not find(), timeout=10)
    except AssertionError:
        return find()
    return []


def is_as_new(world: World, customers: Customers, database: Database) -> None:
    """An execution that needs all the room there is runs to its end."""
    quarter = {"memory": 0.25, "cores": CORES / 4}
    everything = service(command=world.ground.program(0.1), essential=4, **quarter)
    new = customers.launch("afterwards", programs.zapp(everything))
    assert new is not None, customers.complaints
    all_end(database)
    found = evidence.collect(database)
    [row] = [row for row in found.executions if row.id == new]
    assert (row.status, row.outcome) == ("terminated", "terminated"), found.story(new)


def tell(findings: list[str], found: evidence.Evidence) -> str:
    """The findings, and the story of each execution that they are about."""
    about = sorted(
        {int(each) for line in findings for each in re.findall(r"^execution (\d+)", line)}
    )
    return "\n".join([*findings, "", *(found.story(each) for each in about[:10])])


def report(world: World, timeline: Timeline) -> None:
    """Pytest shows it when the test fails."""
    print(timeline)
    for part, log in world.logs().items():
        if log.exists():
            print(f"--- log of {part} ({log})\n{log.read_text(errors='replace')[-_LOG:]}")
