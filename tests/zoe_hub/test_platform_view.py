"""The platform is read once for many who ask, and again when it is time or when it failed."""

import asyncio

import pytest

from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_hub import platform_view
from zoe_hub.platform_view import PlatformView
from zoe_store import cluster
from zoe_store.database import Database, DatabaseAway


class Reads:
    """Stands before the store's own function: counts, and fails while ``away``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.away = False
        self.unseen: Node | None = None
        self._really = cluster.known_nodes
        monkeypatch.setattr(cluster, "known_nodes", self)

    def __call__(self, database: Database) -> list[Node]:
        self.count += 1
        if self.unseen is not None:
            return [Node("seen", Amount(memory=1), online=False), self.unseen]
        if self.away:
            raise DatabaseAway("for a test")
        return [*self._really(database), Node(f"read {self.count}", Amount())]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


@pytest.fixture
def view(database_url: str, reads: Reads) -> PlatformView:
    return PlatformView(Database(database_url))


async def names(view: PlatformView) -> list[str]:
    return [node.name for node in (await view.look()).nodes]


async def test_one_reading_is_for_all_who_ask(view: PlatformView, reads: Reads) -> None:
    seen = await asyncio.gather(*(names(view) for _ in range(20)))
    assert seen == [["read 1"]] * 20
    assert await names(view) == ["read 1"]
    assert reads.count == 1


async def test_what_is_old_is_read_again(
    view: PlatformView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform_view, "BELIEVED", 0.0)
    assert [await names(view), await names(view)] == [["read 1"], ["read 2"]]


async def test_a_failure_is_told_to_all_and_not_kept(view: PlatformView, reads: Reads) -> None:
    reads.away = True
    failed = await asyncio.gather(view.look(), view.look(), return_exceptions=True)
    assert [type(each) for each in failed] == [DatabaseAway, DatabaseAway]
    reads.away = False
    assert await names(view) == ["read 2"]


async def test_who_gives_up_does_not_end_it_for_the_others(view: PlatformView) -> None:
    first, second = asyncio.create_task(names(view)), asyncio.create_task(names(view))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ["read 1"]
    assert first.cancelled()


async def test_while_a_node_was_never_seen_nobody_knows_what_is_too_large(
    view: PlatformView, reads: Reads
) -> None:
    reads.unseen = Node("new", Amount(), online=False)
    assert await names(view) == []


async def test_a_node_that_is_away_is_as_large_as_it_was(view: PlatformView, reads: Reads) -> None:
    reads.unseen = Node("away", Amount(memory=2), online=False)
    assert await names(view) == ["seen", "away"]
