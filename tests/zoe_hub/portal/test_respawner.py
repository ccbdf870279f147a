"""Servers that wait and that the Hub has forgotten: asked for again, or ended."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from tests.support.builders import START
from tests.support.hub import Hub, running_hub
from tests.support.submissions import submit
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import GROUPS, Portal, running_portal
from zapp_gallery.loader import load_gallery
from zoe_hub import permissions
from zoe_hub.portal.hub_rest import HubReply, HubRest, server_path
from zoe_hub.portal.respawner import NO_SERVER, NO_USER
from zoe_store import executions, tables
from zoe_store.database import Database
from zoe_store.events import NewEvent, append_events, lock_events
from zoe_store.servers import hold

OLD = "of the Hub before"


class Site:
    """A Hub that was restarted, and what an earlier one has left behind."""

    def __init__(self, hub: Hub, database_url: str, directory: Path) -> None:
        self.hub = hub
        self.database = Database(database_url)
        self._url = database_url
        self._directory = directory

    def portal(self, api: str | None = None) -> AbstractAsyncContextManager[Portal]:
        """A portal that believes the Hub at ``api``."""
        hub = replace(self.hub, url=api or self.hub.url)
        return running_portal(hub, {}, load_gallery(), self._url, self._directory)

    def waits(
        self,
        user: str,
        server: str,
        *,
        known: bool = True,
        options: dict[str, Any] | None = None,
        **fields: Any,
    ) -> int:
        """An execution on hold; ``known``: the Hub has a server of that name, which is stopped."""
        if known:
            kept = {"user_options": options}
            self.hub.api("PUT", f"/users/{user}/servers/{server}", json=kept)
        secrets = {"JUPYTERHUB_API_TOKEN": OLD}
        order = {"zapp": "jupyter", "name": server, "server_name": server, "user": user, **fields}
        zapp = load_gallery()["jupyter"].zapp
        execution_id = submit(self.database, zapp, secrets=secrets, **order)
        assert hold(self.database, execution_id, "The Hub was restarted.", START)
        return execution_id

    def act(self, execution_id: int, **values: Any) -> None:
        """As the master does, when it has heard of all wishes."""
        mine = tables.executions.c.id == execution_id
        wishes = tables.intents.c.execution_id == execution_id
        with self.database.transaction() as connection:
            connection.execute(update(tables.executions).where(mine).values(**values))
            connection.execute(update(tables.intents).where(wishes).values(handled_at=START))

    def tell(self, execution_id: int, kind: str, data: dict[str, Any]) -> None:
        """An event, as the master writes it."""
        with self.database.transaction() as connection:
            lock_events(connection)
            append_events(connection, [NewEvent(execution_id, kind, data)], START)

    def ids(self) -> list[int]:
        """All executions, newest first."""
        return [each.id for each in executions.find(self.database)]

    def token(self, execution_id: int) -> str:
        """The one in its launch secrets."""
        secrets = tables.launch_secrets.c
        query = select(secrets.environment).where(secrets.execution_id == execution_id)
        with self.database.transaction() as connection:
            return str(connection.scalars(query).one()["JUPYTERHUB_API_TOKEN"])

    def wishes(self, execution_id: int) -> list[tuple[str, str | None]]:
        """Kinds and reasons, oldest first."""
        wishes = tables.intents.c
        query = select(wishes.kind, wishes.arguments).where(wishes.execution_id == execution_id)
        with self.database.transaction() as connection:
            rows = connection.execute(query.order_by(wishes.id)).all()
        return [(row.kind, row.arguments.get("reason")) for row in rows]

    def server(self, user: str, name: str) -> dict[str, Any]:
        """The Hub's word on a server."""
        model = self.hub.api("GET", f"/users/{user}?include_stopped_servers")
        found: dict[str, Any] = model["servers"][name]
        return found

    async def is_launched(self, user: str, name: str) -> None:
        """Wait until the Hub starts it."""
        await eventually_async(lambda: self.server(user, name)["pending"] == "spawn")


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    spawner = {"database_url": database_url, "directory": str(tmp_path)}
    with running_hub(tmp_path, groups=GROUPS, spawner=spawner) as hub:
        site = Site(hub, database_url, tmp_path)
        yield site
        site.database.close()


async def test_chosen_sizes_are_kept_for_later_starts_without_options(site: Site) -> None:
    chosen = {"resources": {"notebook": {"cores": 0.5}}, "runtime_limit": 3600}
    changed = {"resources": {"notebook": {"cores": 1}}}
    lab = site.waits("alice", "lab", options=chosen, changes=changed)
    site.act(lab, status="queued", on_hold=True)
    async with site.portal():
        await eventually_async(lambda: site.token(lab) != OLD)
    options = site.server("alice", "lab")["user_options"]
    assert {name: options.get(name) for name in chosen} == chosen
    assert site.ids() == [lab]


async def test_a_server_on_hold_is_launched_again_in_its_place(site: Site) -> None:
    lab = site.waits("alice", "lab")
    async with site.portal():
        await site.is_launched("alice", "lab")
        assert site.token(lab) == OLD  # the master has not confirmed the hold
        site.act(lab, status="queued", on_hold=True)
        await eventually_async(lambda: site.token(lab) != OLD)
    headers = {"Authorization": f"token {site.token(lab)}"}
    assert httpx.get(f"{site.hub.api_url}/user", headers=headers).json()["name"] == "alice"
    assert [kind for kind, _ in site.wishes(lab)] == ["hold", "release"]
    assert site.ids() == [lab]


async def test_nothing_is_launched_before_what_is_ahead_of_it_is_taken_over(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = site.waits("alice", "first"), site.waits("alice", "second")
    site.act(second, status="queued", on_hold=True)
    launched: dict[str, str] = {}  # when each is asked for, the token of the first
    call = HubRest.call

    async def noting(hub: HubRest, method: str, path: str, *arguments: Any) -> HubReply:
        if method == "POST" and path not in launched:
            launched[path] = await asyncio.to_thread(site.token, first)
        return await call(hub, method, path, *arguments)

    monkeypatch.setattr(HubRest, "call", noting)
    async with site.portal():
        await site.is_launched("alice", "first")
        site.act(first, status="queued", on_hold=True)
        await eventually_async(lambda: site.token(second) != OLD)
    places = [server_path("alice", each) for each in ("first", "second")]
    assert list(launched) == places
    assert [launched[each] == OLD for each in places] == [True, False]


async def test_what_the_hub_does_not_know_any_more_is_ended(site: Site) -> None:
    of_nobody = site.waits("nobody", "lab", known=False)
    removed = site.waits("alice", "removed", known=False)
    async with site.portal():
        await eventually_async(lambda: site.wishes(of_nobody)[-1] == ("terminate", NO_USER))
        await eventually_async(lambda: site.wishes(removed)[-1] == ("terminate", NO_SERVER))


async def test_what_is_being_stopped_is_left_alone(site: Site) -> None:
    stopping, lab = site.waits("alice", "stopping"), site.waits("alice", "lab")
    executions.request_termination(site.database, stopping, "alice", "Enough.", START)
    async with site.portal():
        await site.is_launched("alice", "lab")
    assert site.server("alice", "stopping")["stopped"]
    assert site.token(lab) == OLD


async def test_what_came_to_run_unknown_to_the_hub_is_started_anew(site: Site) -> None:
    lab = site.waits("alice", "lab")
    site.act(lab, status="running")
    async with site.portal():
        lost = "JupyterHub was restarted and had lost this server; it was started anew."
        await eventually_async(lambda: site.wishes(lab)[-1] == ("terminate", lost))
        assert site.ids() == [lab]
        site.act(lab, status="terminated")
        await eventually_async(lambda: len(site.ids()) == 2)
    assert site.token(site.ids()[0]) != OLD


@pytest.mark.parametrize(
    ("asked", "changed", "other"),
    [
        ({"runtime_limit": 3600}, {}, False),
        ({"runtime_limit": 7200}, {}, True),
        ({}, {}, True),  # the default
        ({"runtime_limit": 60}, {"runtime_limit": 3600}, False),
        ({}, {"runtime_limit": 3600}, False),
        ({"resources": {"notebook": {"cores": 1}}}, {"runtime_limit": 3600}, True),
    ],
)
async def test_one_that_waits_is_taken_over_unless_something_else_is_asked_for(
    site: Site, asked: dict[str, Any], changed: dict[str, Any], other: bool
) -> None:
    changes = {"runtime_limit": 3600, "priority": "low"}
    lab = site.waits("alice", "lab", changes=changes)
    site.act(lab, status="queued", on_hold=True)
    if changed:
        site.tell(lab, "changed", {"by": "alice", **changed})
    options = {"zapp": "jupyter", "name": "lab", **asked}
    site.hub.api("POST", "/users/alice/servers/lab", json={"user_options": options})
    if other:
        await eventually_async(
            lambda: site.wishes(lab)[-1] == ("terminate", "The server was started anew.")
        )
    else:
        await eventually_async(lambda: site.token(lab) != OLD)


@pytest.mark.parametrize("ending", [True, False])
def test_only_the_execution_that_was_meant_is_launched_again(site: Site, ending: bool) -> None:
    lab = site.waits("alice", "lab")
    if ending:
        executions.request_termination(site.database, lab, "alice", "Enough.", START)
    options = {"zapp": "jupyter", "name": "lab", "execution_id": lab if ending else lab + 1}
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        site.hub.api("POST", "/users/alice/servers/lab", json={"user_options": options})
    assert site.ids() == [lab]


async def test_a_hub_that_was_away_is_asked_when_it_is_back(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.waits("alice", "lab")
    async with site.portal(api="http://127.0.0.1:1") as portal:
        await eventually_async(lambda: "not looked after until it is back" in caplog.text)
        portal.context.servers.hub.api_url = site.hub.api_url
        await site.is_launched("alice", "lab")


async def test_a_portal_that_may_not_launch_ends_nothing(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    roles = [each for each in permissions.ROLES if "services" not in each]
    monkeypatch.setattr(permissions, "ROLES", roles)
    spawner = {"database_url": database_url, "directory": str(tmp_path)}
    with running_hub(tmp_path, groups=GROUPS, spawner=spawner) as hub:
        site = Site(hub, database_url, tmp_path)
        lab = site.waits("alice", "lab", known=False)
        async with site.portal():
            await eventually_async(lambda: "lacks the scopes read:servers, start" in caplog.text)
        assert [kind for kind, _ in site.wishes(lab)] == ["hold"]
        site.database.close()
