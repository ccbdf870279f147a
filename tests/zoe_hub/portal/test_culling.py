"""Idle Jupyter servers: warned about, kept, spared and ended; over REST and by themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.support.hub import SCOPES
from tests.support.submissions import submit
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_bad_input import check_problem
from zoe_core.protocol.rest import Execution
from zoe_hub import permissions
from zoe_hub.portal.culling import Culler
from zoe_hub.portal.hub_rest import HubReply, HubRest, user_path
from zoe_hub.portal.problems import HubAway
from zoe_hub.portal.respawner import Respawner
from zoe_store import idle, tables
from zoe_store.database import Database
from zoe_store.events import read_events

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OPERATOR = (permissions.ACCESS, "custom:zoe:operate-others")


class Users(HubRest):
    """A Hub that knows servers by what it was told, and shows two users at a time."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.active: dict[tuple[str, str], datetime] = {}
        self.status = 200
        self.asked = 0

    async def call(self, method: str, path: str, token: str, body: Any = None) -> HubReply:
        self.asked += 1
        assert (method, token) == ("GET", "token")
        if path.startswith("/users/"):
            found = [each for each in self._models() if user_path(each["name"]) == path]
            return HubReply(self.status, found[0]) if found else HubReply(404, {})
        start = int(path.partition("/users?state=active&limit=100&offset=")[2])
        return HubReply(self.status, self._models()[start : start + 2])

    def _models(self) -> list[dict[str, Any]]:
        users: dict[str, dict[str, Any]] = {}
        for (user, server), at in sorted(self.active.items()):
            model = users.setdefault(user, {"name": user, "servers": {}})
            model["servers"][server] = {"last_activity": at.isoformat().replace("+00:00", "Z")}
        return list(users.values())


class Site:
    """A portal that lets servers idle for an hour."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.hub = Users()
        self.culler = self.new_culler()

    def new_culler(self) -> Culler:
        context = self.portal.context
        culler = Culler(context.database, context.link, self.hub, "token", HOUR.total_seconds())
        culler.ends = context.culler.ends
        return culler

    def server(self, idle_for: timedelta, name: str = "lab", user: str = "alice") -> int:
        number = submit(self.portal.database, zapp="jupyter", server_name=name, user=user)
        long_ago = datetime.now(UTC) - 10 * HOUR
        with self.portal.database.transaction() as connection:
            mine = update(tables.executions).where(tables.executions.c.id == number)
            connection.execute(mine.values(status="running", started_at=long_ago))
        self.use(idle_for, name, user)
        return number

    def use(self, idle_for: timedelta, name: str = "lab", user: str = "alice") -> None:
        self.hub.active[user, name] = datetime.now(UTC) - idle_for

    def said(self, execution_id: int) -> list[str]:
        found = read_events(self.portal.database, after=0, execution_id=execution_id)
        return [each.kind for each in found if each.kind != "submitted"]

    def reason(self, execution_id: int) -> str:
        wish = select(tables.intents.c.arguments).where(
            tables.intents.c.execution_id == execution_id, tables.intents.c.kind == "terminate"
        )
        with self.portal.database.transaction() as connection:
            return str(connection.scalars(wish).one()["reason"])

    async def document(self, execution_id: int) -> Execution:
        answer = await self.portal.get(f"/executions/{execution_id}")
        return Execution.model_validate_json(answer.content)

    def pass_time(self, by: timedelta) -> None:
        """What was said and wished so far is longer ago."""
        with self.portal.database.transaction() as connection:
            for each in (tables.events, tables.intents):
                connection.execute(update(each).values(at=each.c.at - by))


@pytest.fixture(autouse=True)
def nobody_else_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub does not know these servers, and a comparison with it may come late."""
    monkeypatch.setattr(Respawner, "start", lambda self: None)


@pytest.fixture
def site(portal: Portal) -> Site:
    return Site(portal)


async def test_an_idle_server_is_warned_about_and_then_ended(site: Site) -> None:
    lab = site.server(50 * MINUTE)
    before = datetime.now(UTC)

    await site.culler.look()
    await site.culler.look()

    assert site.said(lab) == ["idle_warning"]
    shown = await site.document(lab)
    assert shown.ends_because == "idle"
    assert shown.ends_at is not None
    assert before + 15 * MINUTE <= shown.ends_at <= datetime.now(UTC) + 15 * MINUTE
    site.use(65 * MINUTE)
    site.pass_time(15 * MINUTE)
    await site.culler.look()
    assert site.said(lab) == ["idle_warning", "terminate_requested"]
    assert site.reason(lab) == (
        "It was idle for 1 h 5 min: nobody used it and nothing ran in it. "
        "Notebook servers that idle for 1 h are ended here."
    )
    await site.culler.look()
    assert site.culler.ends == {}


async def test_one_that_is_used_again_is_spared(site: Site) -> None:
    lab = site.server(50 * MINUTE)
    await site.culler.look()
    site.use(MINUTE)
    await site.culler.look()
    assert site.said(lab) == ["idle_warning", "idle_over"]
    assert (await site.document(lab)).ends_at is None


async def test_a_new_portal_goes_on_where_the_old_one_was(site: Site) -> None:
    lab, kept = site.server(70 * MINUTE), site.server(70 * MINUTE, "kept", "bob")
    await site.culler.look()
    assert await site.culler.keep(kept, "bob")

    await site.new_culler().look()

    assert site.said(lab) == ["idle_warning"]
    assert site.said(kept) == ["idle_warning", "keep_requested", "idle_over"]
    site.pass_time(15 * MINUTE)
    await site.new_culler().look()
    assert site.said(lab)[-1] == "terminate_requested"
    assert site.said(kept)[-1] == "idle_over"


async def test_all_pages_of_users_are_read(site: Site) -> None:
    labs = [site.server(50 * MINUTE, user=f"user{number}") for number in range(5)]
    await site.culler.look()
    assert set(site.culler.ends) == set(labs)
    assert site.hub.asked == 4


async def test_the_hub_is_not_asked_while_no_server_runs(site: Site) -> None:
    assert await site.culler.look() == 60
    assert site.hub.asked == 0


async def test_nothing_is_ended_that_the_hub_does_not_answer_for(site: Site) -> None:
    lab, unknown = site.server(90 * MINUTE), site.server(90 * MINUTE, "unknown")
    del site.hub.active["alice", "unknown"]
    site.hub.status = 403
    with pytest.raises(HubAway):
        await site.culler.look()
    assert site.said(lab) == []
    site.hub.status = 200
    await site.culler.look()
    assert (site.said(lab), site.said(unknown)) == (["idle_warning"], [])


async def test_plain_executions_never_idle(site: Site) -> None:
    job = await site.portal.launch()
    mine = tables.executions.c.id == job["id"]
    with site.portal.database.transaction() as connection:
        old = datetime.now(UTC) - 10 * HOUR
        running = update(tables.executions).where(mine).values(status="running", started_at=old)
        connection.execute(running)
    await site.culler.look()
    assert "idle_warning" not in site.said(job["id"])
    answer = await site.portal.request("POST", f"/executions/{job['id']}/keep")
    assert check_problem(answer, 409)["title"] == "It needs no keeping"


@pytest.mark.parametrize(("user", "scopes"), [("alice", SCOPES), ("olga", OPERATOR)])
async def test_it_is_kept_by_its_owner_and_by_operators(
    site: Site, user: str, scopes: tuple[str, ...]
) -> None:
    lab = site.server(50 * MINUTE)
    await site.culler.look()

    answer = await site.portal.request("POST", f"/executions/{lab}/keep", user, scopes)

    assert answer.status_code == 200, answer.text
    assert answer.json()["ends_at"] is None
    assert site.said(lab) == ["idle_warning", "keep_requested", "idle_over"]
    await site.culler.look()
    assert site.said(lab)[-1] == "idle_over"
    [server] = idle.running_servers(site.portal.database)
    assert server.kept_at is not None


async def test_nobody_else_keeps_it(site: Site) -> None:
    lab = site.server(50 * MINUTE)
    answer = await site.portal.request("POST", f"/executions/{lab}/keep", "bob")
    check_problem(answer, 404)


async def test_what_is_about_to_end_cannot_be_kept(site: Site) -> None:
    lab = site.server(50 * MINUTE)
    await site.portal.request("DELETE", f"/executions/{lab}")
    answer = await site.portal.request("POST", f"/executions/{lab}/keep")
    assert check_problem(answer, 409)["title"] == "It does not run"


async def test_a_keep_that_comes_during_a_look_counts(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = site.server(70 * MINUTE)
    await site.culler.look()
    call = site.hub.call

    async def slowly(*args: Any) -> HubReply:
        answer = await call(*args)
        if not answer.document:  # the last page
            await site.culler.keep(lab, "alice")
        return answer

    monkeypatch.setattr(site.hub, "call", slowly)
    site.pass_time(20 * MINUTE)
    await site.culler.look()
    assert "terminate_requested" not in site.said(lab)
    assert site.said(lab)[-1] == "idle_over"
    assert site.said(lab).count("idle_over") == 1


async def test_what_is_used_during_a_look_is_not_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, gone = site.server(70 * MINUTE), site.server(70 * MINUTE, "gone", "bob")
    await site.culler.look()
    call = site.hub.call

    async def slowly(*args: Any) -> HubReply:
        answer = await call(*args)
        if answer.document == []:  # the last page
            site.use(MINUTE)
            del site.hub.active["bob", "gone"]
        return answer

    monkeypatch.setattr(site.hub, "call", slowly)
    site.pass_time(20 * MINUTE)
    await site.culler.look()
    assert (site.said(lab), site.said(gone)) == (["idle_warning"], ["idle_warning"])
    monkeypatch.setattr(site.hub, "call", call)
    await site.culler.look()
    assert site.said(lab) == ["idle_warning", "idle_over"]


async def test_what_another_portal_keeps_before_the_end_is_not_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = site.server(70 * MINUTE)
    await site.culler.look()
    site.pass_time(20 * MINUTE)
    end = idle.end

    def kept_before(database: Database, execution_id: int, *args: Any) -> bool:
        assert idle.keep(database, execution_id, "alice", datetime.now(UTC))
        return end(database, execution_id, *args)

    monkeypatch.setattr(idle, "end", kept_before)
    await site.culler.look()
    assert site.said(lab) == ["idle_warning", "keep_requested", "idle_over"]


async def test_the_runtime_limit_counts_when_it_comes_first(site: Site) -> None:
    lab = site.server(50 * MINUTE)
    started = (await site.document(lab)).started_at
    assert started is not None
    mine = tables.executions.c.id == lab
    soon = int((datetime.now(UTC) - started + 5 * MINUTE).total_seconds())
    with site.portal.database.transaction() as connection:
        limited = update(tables.executions).where(mine).values(changes={"runtime_limit": soon})
        connection.execute(limited)
    await site.culler.look()
    shown = await site.document(lab)
    assert (shown.ends_because, shown.ends_at) == (
        "runtime_limit",
        started + timedelta(seconds=soon),
    )


async def test_a_real_hub_lets_the_portal_ask(portal: Portal) -> None:
    """That it has the scope; who is there is another matter."""
    hub = HubRest(portal.hub.api_url)
    answer = await hub.call(
        "GET", "/users?state=active&limit=100&offset=0", portal.hub.service_token
    )
    assert (answer.status, answer.document) == (200, [])
