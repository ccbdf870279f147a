"""The queue over REST and as a page: what is told to whom, and how good predictions were."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.zoe_hub.portal.conftest import Portal
from zoe_core.explanation import Explanation
from zoe_core.protocol import ExpectedStart, PredictionError, QueueEntry, QueueReply
from zoe_core.protocol.rest_platform import Queue
from zoe_hub import permissions

OPERATOR = (permissions.ACCESS, "custom:zoe:status", "custom:zoe:operate-others")


async def page(
    portal: Portal, user: str = "alice", scopes: tuple[str, ...] | None = None
) -> httpx.Response:
    return await portal.client.get("queue", headers=portal.headers(user, scopes))


@pytest.fixture
def one_waits(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the master says: alice's execution will start in some thirty hours."""
    start = datetime.now(UTC) + timedelta(hours=30)
    why = Explanation(1, (), ("It needs a GPU; all are taken.",))
    entry = QueueEntry(
        execution_id=7,
        user="alice",
        name="train",
        explanation=why,
        expected=ExpectedStart(low=start, mid=start, high=None),
    )
    error = PredictionError(count=40, median=118.0, within=0.8)

    async def queue() -> QueueReply:
        return QueueReply(entries=(entry,), error=error)

    monkeypatch.setattr(portal.context.link, "queue", queue)


@pytest.mark.usefixtures("one_waits")
async def test_everybody_may_know_when_and_how_good_that_is(portal: Portal) -> None:
    for user, scopes, told in (
        ("alice", None, ("alice", "train")),
        ("bob", None, (None, None)),
        ("olga", OPERATOR, ("alice", "train")),
    ):
        queue = Queue.model_validate_json((await portal.get("/queue", user, scopes=scopes)).content)
        (entry,) = queue.items
        assert (entry.user, entry.name) == told
        assert (entry.reasons == ()) is (told == (None, None))
        assert entry.expected is not None
        assert (entry.expected.status, entry.expected.high_s) == ("later", None)
        assert entry.expected.text.startswith("Starts in about 30 h (")
        assert queue.predictions is not None
        assert (queue.predictions.count, queue.predictions.median_s) == (40, 118.0)
        assert queue.predictions.within == 0.8


@pytest.mark.usefixtures("one_waits")
async def test_the_page_shows_the_same(portal: Portal) -> None:
    own, other = (await page(portal)).text, (await page(portal, "bob")).text
    for html in (own, other):
        assert "1 execution waits." in html
        assert "Half of the last 40 predictions were within 2 min" in html
        assert "Starts in about 30 h" in html
    assert "/services/zoe/executions/7" in own
    assert "It needs a GPU" in own
    assert "of somebody else" in other
    assert "train" not in other
    assert "/services/zoe/executions/7" not in other


async def test_while_the_scheduler_is_away_the_oldest_is_first(portal: Portal) -> None:
    first = await portal.launch(name="first")
    await portal.launch("bob", name="bobs")
    document = (await portal.get("/queue")).json()
    assert [each["position"] for each in document["items"]] == [None, None]
    assert [each["expected"] for each in document["items"]] == [None, None]
    assert document["items"][0]["execution_id"] == first["id"]
    assert document["predictions"] is None
    html = (await page(portal)).text
    assert "2 executions wait." in html
    assert "The scheduler has not started yet." in html
    assert "bobs" not in html


async def test_an_empty_queue(portal: Portal) -> None:
    assert "Nothing waits." in (await page(portal)).text


async def test_the_page_needs_the_scope(portal: Portal) -> None:
    answer = await page(portal, scopes=(permissions.ACCESS,))
    assert answer.status_code == 403
    assert "custom:zoe:status" in answer.text
