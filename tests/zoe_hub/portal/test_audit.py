"""The audit log: who did what, also what was refused; added to, and never changed."""

import asyncio
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.support.hub import PREFIX
from tests.support.login import Browser
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_bad_input import check_problem
from zoe_core.protocol.rest_admin import AuditEntry, AuditLog
from zoe_hub import permissions
from zoe_hub.portal.api import HANDLERS
from zoe_hub.portal.operations import operations_of
from zoe_hub.portal.pages import ROUTES
from zoe_store import executions
from zoe_store.audit import Deed, record
from zoe_store.database import DatabaseAway

ADMIN = (permissions.ACCESS, "custom:zoe:admin")

HARMLESS = {"estimate", "validateZApp"}
"""Operations that are no GET and change nothing."""


async def audit(portal: Portal, **query: Any) -> list[AuditEntry]:
    answer = await portal.get("/audit", "olga", scopes=ADMIN, params=query)
    assert answer.status_code == 200, answer.text
    return list(AuditLog.model_validate_json(answer.content).items)


def told(entry: AuditEntry) -> tuple[str, str, str, str]:
    return entry.actor, entry.action, entry.target, entry.outcome


def test_whatever_changes_something_is_told() -> None:
    for address, handler in HANDLERS.items():
        for method, declared in operations_of(handler).items():
            action = getattr(getattr(handler, method), "action", None)
            wanted = None if method == "get" or declared.id in HARMLESS else declared.id
            assert action == wanted, f"{method} {address}"
    posts = {handler.__name__ for _, handler in ROUTES if "post" in vars(handler)}
    telling = {
        handler.__name__ for _, handler in ROUTES if hasattr(vars(handler).get("post"), "action")
    }
    assert posts - telling == {"EstimatePart", "CheckOwn"}


async def test_what_was_done_is_there_with_the_answer(portal: Portal) -> None:
    before = datetime.now(UTC)
    it = (await portal.launch(name="mine"))["id"]
    await portal.request("PATCH", f"/executions/{it}", json={"priority": "low"})
    await portal.request("DELETE", f"/executions/{it}", "olga", scopes=ADMIN)
    await portal.request("PUT", "/quotas/user/bob", "olga", scopes=ADMIN, json={"executions": 3})

    found = await audit(portal)

    assert list(map(told, found)) == [
        ("olga", "setQuota", "quotas/user/bob", "done"),
        ("olga", "endExecution", f"executions/{it}", "done"),
        ("alice", "changeExecution", f"executions/{it}", "done"),
        ("alice", "launch", f"executions/{it}", "done"),
    ]
    assert found[0].detail == {"executions": 3}
    assert found[2].detail == {"priority": "low"}
    assert found[3].detail == {"zapp": "small", "name": "mine", "new": True}
    assert all(before <= each.at <= datetime.now(UTC) for each in found)
    assert {each.actor_kind for each in found} == {"user"}


async def test_what_was_refused_is_told_with_the_reason(portal: Portal) -> None:
    it = (await portal.launch())["id"]
    await portal.request("DELETE", f"/executions/{it}", "bob")
    await portal.request("PUT", "/quotas/user/bob", json={"executions": 3})
    await portal.request("POST", "/executions", json={"zapp": "nosuch"})
    await portal.request("POST", "/executions", content=b"{")

    async def refused() -> list[AuditEntry]:
        found = await audit(portal, outcome="refused")
        assert len(found) == 4
        return found

    found = await eventually_async(refused)
    assert list(map(told, found)) == [
        ("alice", "launch", "executions", "refused"),
        ("alice", "launch", "executions", "refused"),
        ("alice", "setQuota", "quotas/user/bob", "refused"),
        ("bob", "endExecution", f"executions/{it}", "refused"),
    ]
    assert "nosuch" in found[1].detail["why"]
    assert found[2].detail["status"] == 403


async def test_what_was_perhaps_done_is_told_as_unknown(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = (await portal.launch())["id"]
    request = executions.request_change

    def in_doubt(*args: Any) -> bool:
        request(*args)
        raise DatabaseAway("the connection broke during the commit")

    monkeypatch.setattr(executions, "request_change", in_doubt)
    answer = await portal.request("PATCH", f"/executions/{it}", json={"priority": "low"})
    check_problem(answer, 503)

    async def unknown() -> list[AuditEntry]:
        return await audit(portal, outcome="unknown")

    found = await eventually_async(unknown)
    assert list(map(told, found)) == [("alice", "changeExecution", f"executions/{it}", "unknown")]


async def test_nobody_is_told_of_who_is_not_known(portal: Portal) -> None:
    answer = await portal.client.post("api/v1/executions", json={"zapp": "small"})
    assert answer.status_code == 401
    await portal.launch()
    assert [each.actor for each in await audit(portal)] == ["alice"]


async def test_a_token_that_may_not_come_here_is_told_of(portal: Portal) -> None:
    elsewhere = ("read:users!user",)
    answer = await portal.request("POST", "/executions", scopes=elsewhere, json={"zapp": "small"})
    assert answer.status_code == 403

    async def refused() -> list[AuditEntry]:
        return await audit(portal, outcome="refused")

    (entry,) = await eventually_async(refused)
    assert told(entry) == ("alice", "launch", "executions", "refused")
    assert permissions.ACCESS in entry.detail["why"]


async def test_a_form_that_was_forged_is_told_of(portal: Portal) -> None:
    browser = Browser(portal.hub, portal.url)
    await browser.log_in("alice")
    try:
        path = f"{PREFIX}api/v1/executions"
        answer = await browser.send("POST", path, json={"zapp": "small"})
        assert answer.status_code == 403
    finally:
        await browser.client.aclose()

    async def refused() -> list[AuditEntry]:
        return await audit(portal, outcome="refused")

    (entry,) = await eventually_async(refused)
    assert told(entry) == ("alice", "launch", "executions", "refused")
    assert "XSRF" in entry.detail["why"]


ODD = "a\0\ud800" + "x" * 100_000


async def test_what_no_database_keeps_is_told_all_the_same(portal: Portal) -> None:
    it = (await portal.launch())["id"]
    half = json.dumps({"zapp": "small", "name": ODD})
    await portal.request("POST", "/executions", content=half)
    sizes = {"resources": {ODD: {"cores": 1}, **{f"s{each}": {"cores": 1} for each in range(90)}}}
    await portal.request("PATCH", f"/executions/{it}", content=json.dumps(sizes))
    async with asyncio.timeout(60):
        await portal.launch()

    async def refused() -> list[AuditEntry]:
        found = await audit(portal, outcome="refused")
        assert len(found) >= 1
        return found

    found = await eventually_async(refused)
    assert len(await audit(portal, outcome="done")) == 2
    assert all(len(each.model_dump_json()) < 100_000 for each in found)


async def test_it_is_for_administrators(portal: Portal) -> None:
    operator = (permissions.ACCESS, "custom:zoe:operate-others")
    for user, scopes in (("alice", None), ("olga", operator)):
        check_problem(await portal.get("/audit", user, scopes=scopes), 403)


async def test_it_is_searched_and_read_in_pages(portal: Portal) -> None:
    moments = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)]
    for number, at in enumerate(moments):
        who = ("ada", "bob")[number % 2]
        deed = Deed(at, who, "user", "launch", f"executions/{number}", "done")
        record(portal.database, [deed])

    assert [each.target for each in await audit(portal, actor="bob")] == [
        "executions/3",
        "executions/1",
    ]
    assert [each.actor for each in await audit(portal, target="executions/2")] == ["ada"]
    period = {"since": "2026-01-02T00:00:00Z", "until": "2026-01-03T00:00:00Z"}
    assert [each.at.day for each in await audit(portal, **period)] == [2]
    assert await audit(portal, action="setQuota") == []
    first = await portal.get("/audit", "olga", scopes=ADMIN, params={"limit": 3})
    cursor = first.json()["next"]
    assert [each.target for each in await audit(portal, cursor=cursor)] == ["executions/0"]
    bad = await portal.get("/audit", "olga", scopes=ADMIN, params={"outcome": "odd"})
    assert check_problem(bad, 400)["field"] == "outcome"


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "TRUNCATE audit"]
)
async def test_the_database_refuses_to_change_it(portal: Portal, statement: str) -> None:
    await portal.launch()
    with pytest.raises(DBAPIError, match="only added to"), portal.database.transaction() as one:
        one.execute(text(statement))
    assert len(await audit(portal)) == 1


async def test_a_form_that_is_refused_is_told_too(portal: Portal) -> None:
    headers = portal.headers("alice")
    page = await portal.client.post("zapps/small", data={"name": "../../etc"}, headers=headers)
    assert page.status_code == 422
    launched = await portal.client.post("zapps/small", data={}, headers=headers)
    it = re.sub(r".*/", "", launched.headers["Location"])

    async def both() -> list[AuditEntry]:
        found = await audit(portal)
        assert len(found) == 2
        return found

    assert list(map(told, await eventually_async(both))) == [
        ("alice", "launch", f"executions/{it}", "done"),
        ("alice", "launch", "zapps/small", "refused"),
    ]
