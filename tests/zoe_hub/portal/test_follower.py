"""What a Jupyter server follows of itself, at a real portal: told to pages, and kept by use."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_culling import MINUTE, Site
from zoe_client.jupyter.follower import Follower
from zoe_core.cluster import Quota
from zoe_hub import permissions, platform_view
from zoe_hub.portal.respawner import Respawner
from zoe_store import quotas, tables
from zoe_store.events import NewEvent, append_events, lock_events

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SERVER = (permissions.ACCESS, "custom:zoe:launch")


class Page:
    """What one page of a server was told."""

    def __init__(self, follower: Follower) -> None:
        self.told: list[dict[str, Any]] = []
        self.hear = self.told.append
        follower.join(self.hear)

    async def sees(self, because: str | None) -> dict[str, Any]:
        """Wait until that would end the server."""
        await eventually_async(lambda: self.told and self.told[-1].get("because") == because)
        return self.told[-1]


class Notebook:
    """A server that has been idle for 50 minutes, and its own follower."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.id = site.server(50 * MINUTE)
        self.used_at = LONG_AGO
        self.follower = Follower(self.id, lambda: self.used_at)
        self.pages: list[Page] = []

    def page(self) -> Page:
        self.pages.append(Page(self.follower))
        return self.pages[-1]

    def close(self) -> None:
        for each in self.pages:
            self.follower.leave(each.hear)

    def change(self, **changes: Any) -> None:
        """As the master does."""
        mine = tables.executions.c.id == self.id
        now = datetime.now(UTC)
        with self.site.portal.database.transaction() as connection:
            lock_events(connection)
            connection.execute(update(tables.executions).where(mine).values(changes=changes))
            append_events(connection, [NewEvent(self.id, "changed", changes)], now)


@pytest.fixture(autouse=True)
def nobody_else_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub does not know these servers, and a comparison with it may come late."""
    monkeypatch.setattr(Respawner, "start", lambda self: None)


@pytest.fixture
async def notebook(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Notebook]:
    monkeypatch.setenv("ZOE_URL", portal.url)
    headers = portal.headers("alice", SERVER)
    monkeypatch.setenv("ZOE_TOKEN", headers["Authorization"].removeprefix("token "))
    monkeypatch.setattr(platform_view, "BELIEVED", 0.0)
    notebook = Notebook(Site(portal))
    yield notebook
    notebook.close()


async def test_all_pages_are_told_and_one_keeps_it(notebook: Notebook) -> None:
    first = notebook.page()
    await first.sees(None)
    await notebook.site.culler.look()
    told = await first.sees("idle")
    assert 890 < told["left"] <= 900
    second = notebook.page()
    assert second.told[-1]["because"] == "idle"

    await notebook.follower.stay()

    assert await first.sees(None) == {"left": None}
    assert await second.sees(None) == {"left": None}
    assert notebook.site.said(notebook.id)[-2:] == ["keep_requested", "idle_over"]


async def test_use_during_a_warning_is_told_at_once(notebook: Notebook) -> None:
    page = notebook.page()
    await notebook.site.culler.look()
    await page.sees("idle")
    assert notebook.site.said(notebook.id) == ["idle_warning"]
    notebook.used_at = datetime.now(UTC)
    await page.sees(None)
    assert notebook.site.said(notebook.id)[-2:] == ["keep_requested", "idle_over"]


async def test_the_runtime_limit_is_extended_within_the_quota(notebook: Notebook) -> None:
    portal = notebook.site.portal
    shown = await notebook.site.document(notebook.id)
    assert shown.started_at is not None
    ran = int((datetime.now(UTC) - shown.started_at) / timedelta(seconds=1))
    quota = Quota(runtime_limit=ran + 1000)
    quotas.set_quota(portal.database, "user", "alice", quota, "olga")
    notebook.change(runtime_limit=ran + 300)
    page = notebook.page()
    told = await page.sees("runtime_limit")
    assert (told["warn_in"], told["more"], told["limit"]) == (0, 700, ran + 1000)

    await notebook.follower.stay(told["limit"])

    query = select(tables.intents.c.arguments).where(tables.intents.c.kind == "change")
    with portal.database.transaction() as connection:
        assert list(connection.scalars(query)) == [{"runtime_limit": ran + 1000}]
