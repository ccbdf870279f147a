"""The administration's pages: for whom they are, what they show, and what their forms do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_usage import ended
from zoe_core.cluster import Quota
from zoe_hub import permissions
from zoe_hub.portal.pages import ROUTES
from zoe_store import drains, quotas
from zoe_store.audit import Deed, record
from zoe_store.tables import audit, intents, nodes, strangers

STATUS = "custom:zoe:status"
ADMIN = (permissions.ACCESS, STATUS, "custom:zoe:admin")
OPERATOR = (permissions.ACCESS, STATUS, "custom:zoe:operate-others")
EVERYBODY = tuple(permissions.USER_SCOPES)
PAGES = ("nodes", "users", "quota?kind=user&name=ada", "usage", "warnings", "audit")


@pytest.fixture(autouse=True)
def a_node(portal: Portal) -> Iterator[None]:
    """A node with a name that needs care in addresses, and something strange on it."""
    now = datetime.now(UTC)
    fields: dict[str, Any] = {"memory": 2**34, "millicores": 4000, "labels": ["fast"]}
    state = {"online": True, "draining": False, "missing_images": {"python": "It is missing."}}
    odd = {"execution_id": 7, "service": "main", "index": 0, "attempt": 1, "observed": "running"}
    with portal.database.transaction() as connection:
        connection.execute(nodes.insert().values(name="a b", seen_at=now, **fields, **state))
        connection.execute(
            strangers.insert().values(node="a b", why="Who knows.", first_seen_at=now, **odd)
        )
    return iter([None])


async def page(
    portal: Portal, path: str, scopes: tuple[str, ...] = ADMIN, user: str = "olga"
) -> httpx.Response:
    return await portal.client.get(path, headers=portal.headers(user, scopes))


async def shown(portal: Portal, path: str, scopes: tuple[str, ...] = ADMIN) -> str:
    answer = await page(portal, path, scopes)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def send(
    portal: Portal, path: str, scopes: tuple[str, ...] = ADMIN, who: str = "olga", **form: str
) -> httpx.Response:
    return await portal.client.post(path, data=form, headers=portal.headers(who, scopes))


def rows_of(portal: Portal, table: Any) -> int:
    with portal.database.transaction() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)))


# --- for whom ---


@pytest.mark.parametrize("path", PAGES)
async def test_nobody_else_sees_them(portal: Portal, path: str) -> None:
    for scopes in (EVERYBODY, OPERATOR):
        answer = await page(portal, f"admin/{path}", scopes)
        assert answer.status_code == 403
        assert "custom:zoe:admin" in answer.text
        assert "<h1" in answer.text, "it is a page"
    assert (await page(portal, f"admin/{path}")).status_code == 200


async def test_they_are_linked_for_those_who_may_open_them(portal: Portal) -> None:
    assert "Administration" not in await shown(portal, "", EVERYBODY)
    assert "/services/zoe/admin" not in await shown(portal, "queue", EVERYBODY)
    html = await shown(portal, "queue", OPERATOR)
    assert "/services/zoe/admin/executions" in html
    assert "/services/zoe/admin/nodes" not in html
    html = await shown(portal, "queue", ADMIN)
    assert "/services/zoe/admin/nodes" in html


async def test_the_way_in_leads_to_the_first_page_one_may_open(portal: Portal) -> None:
    for scopes, leads in ((ADMIN, "nodes"), (OPERATOR, "executions")):
        answer = await page(portal, "admin", scopes)
        assert answer.headers["Location"] == f"/services/zoe/admin/{leads}"
    assert (await page(portal, "admin", EVERYBODY)).status_code == 403


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("admin/nodes/a%20b/drain", {"draining": "true"}),
        ("admin/drains/a%20b/remove", {}),
        ("admin/quota", {"kind": "user", "name": "ada"}),
        ("admin/quota/remove", {"kind": "user", "name": "ada"}),
    ],
)
async def test_nobody_else_changes_anything_and_who_tries_is_noted(
    portal: Portal, path: str, form: dict[str, str]
) -> None:
    drains.set_drain(portal.database, "a b", "olga", True)
    quotas.set_quota(portal.database, "user", "ada", Quota(gpus=1), "olga")
    for user, scopes in (("bob", EVERYBODY), ("olga", OPERATOR)):
        answer = await send(portal, path, scopes, user, **form)
        assert answer.status_code == 403
    assert (await portal.client.post(path, data=form)).status_code in (401, 403)
    assert list(drains.drained(portal.database)) == ["a b"]
    (quota,) = quotas.list_quotas(portal.database)
    assert quota.quota == Quota(gpus=1)


def test_every_page_of_the_administration_asks_who_it_is_for() -> None:
    for pattern, handler in ROUTES:
        if pattern.startswith("admin"):
            assert getattr(handler, "needs", ()), pattern


async def test_nothing_that_a_user_wrote_is_taken_for_html(portal: Portal) -> None:
    evil = "<script>alert(1)</script>"
    record(
        portal.database,
        [Deed(datetime.now(UTC), evil, "user", evil, evil, "refused", {"why": evil, "zapp": evil})],
    )
    quotas.set_quota(portal.database, "user", evil, Quota(gpus=1), evil)
    paths = ("audit", "users", "audit?actor=" + evil, "executions?user=" + evil)
    for path in (*paths, "users?find=" + evil, "usage?from=" + evil):
        html = await shown(portal, f"admin/{path}")
        assert evil not in html, path
    html = await shown(portal, f"queue?user={evil}")
    assert evil not in html


# --- nodes ---


async def test_a_node_is_drained_and_used_again(portal: Portal) -> None:
    html = await shown(portal, "admin/nodes")
    assert "It is missing." in html
    assert "Who knows." in html
    assert "admin/nodes/a%20b/drain" in html
    answer = await send(portal, "admin/nodes/a%20b/drain", draining="true")
    assert answer.headers["Location"] == "/services/zoe/admin/nodes"
    assert "Drained by olga" in await shown(portal, "admin/nodes")
    await send(portal, "admin/nodes/a%20b/drain", draining="false")
    assert drains.drained(portal.database) == {}
    assert (await send(portal, "admin/nodes/none/drain", draining="true")).status_code == 404
    assert (await send(portal, "admin/nodes/a%20b/drain", draining="odd")).status_code == 400


async def test_the_drain_of_a_node_that_is_gone_can_be_taken_back(portal: Portal) -> None:
    drains.set_drain(portal.database, "gone/1", "olga", True)
    html = await shown(portal, "admin/nodes")
    assert "admin/drains/gone%2F1/remove" in html
    assert (await send(portal, "admin/drains/gone%2F1/remove")).status_code == 303
    assert drains.drained(portal.database) == {}


# --- users and quotas ---


async def test_a_quota_is_set_by_the_form(portal: Portal) -> None:
    form = {"kind": "group", "name": "lab/1", "memory.mode": "limit", "memory.value": "1.5"}
    answer = await send(portal, "admin/quota", **form, **{"cores.mode": "unlimited"})
    assert answer.status_code == 303
    (stored,) = quotas.list_quotas(portal.database)
    assert (stored.name, stored.by_user, stored.quota.memory) == ("lab/1", "olga", 3 * 2**29)
    html = await shown(portal, "admin/users")
    assert "at most 1.5 GB, no limit on cores" in html
    assert "admin/quota?kind=group&amp;name=lab%2F1" in html
    assert 'value="1.5"' in await shown(portal, "admin/quota?kind=group&name=lab%2F1")
    removed = await send(portal, "admin/quota/remove", kind="group", name="lab/1")
    assert removed.status_code == 303
    assert quotas.list_quotas(portal.database) == []


def version_in(html: str) -> str:
    """The quota that a form was shown with."""
    found = re.findall(r'name="version" value="([^"]*)"', html)
    assert len(set(found)) == 1
    return str(found[0])


async def test_a_form_does_not_undo_what_another_administrator_has_set(portal: Portal) -> None:
    whose = {"kind": "user", "name": "ada"}
    mine = {**whose, "cores.mode": "limit", "cores.value": "2"}
    version = version_in(await shown(portal, "admin/quota?kind=user&name=ada"))
    assert version == ""
    quotas.set_quota(portal.database, "user", "ada", Quota(gpus=1), "otto")

    refused = await send(portal, "admin/quota", **mine, version=version)

    assert refused.status_code == 409
    assert "otto has set it meanwhile: at most 1 GPUs." in refused.text
    assert 'name="cores.value" type="number"' in refused.text
    assert 'value="2"' in refused.text
    (stored,) = quotas.list_quotas(portal.database)
    assert stored.quota == Quota(gpus=1)
    again = await send(portal, "admin/quota", **mine, version=version_in(refused.text))
    assert again.status_code == 303
    (stored,) = quotas.list_quotas(portal.database)
    assert stored.quota == Quota(millicores=2000)

    late = await send(portal, "admin/quota/remove", **whose, version=version_in(refused.text))
    assert late.status_code == 409
    assert "olga has set it meanwhile: at most 2 cores." in late.text
    version = version_in(late.text)
    removed = await send(portal, "admin/quota/remove", **whose, version=version)
    assert removed.status_code == 303
    gone = await send(portal, "admin/quota", **mine, version=version)
    assert gone.status_code == 409
    assert "Somebody has removed it meanwhile" in gone.text
    assert quotas.list_quotas(portal.database) == []


async def test_a_quota_that_cannot_be_is_explained_and_kept(portal: Portal) -> None:
    form = {"kind": "user", "name": "ada", "memory.mode": "limit", "memory.value": "lots"}
    answer = await send(portal, "admin/quota", **form)
    assert answer.status_code == 422
    assert "is not a number" in answer.text
    assert 'value="lots"' in answer.text
    assert rows_of(portal, quotas.quotas) == 0
    answer = await send(portal, "admin/quota", kind="user", name="Ada")
    assert answer.status_code == 422
    assert "lower case" in answer.text
    assert (await send(portal, "admin/quota", kind="user", name="")).status_code == 400
    assert (await page(portal, "admin/quota?kind=odd&name=ada")).status_code == 400
    with portal.database.transaction() as connection:
        outcomes = set(connection.scalars(select(audit.c.outcome)))
    assert outcomes == {"refused"}


async def test_users_are_found_by_name_and_group(portal: Portal) -> None:
    for user in ("alice", "bob", "carol"):
        await portal.launch(user)
    html = await shown(portal, "admin/users")
    assert html.index("executions-alice") < html.index("executions-bob")
    html = await shown(portal, "admin/users?find=CHEM")
    assert "executions-carol" in html
    assert "executions-alice" not in html
    assert "No user and no group is called so." in await shown(portal, "admin/users?find=xyz")


# --- executions and the queue ---


async def test_executions_of_all_users(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoe_hub.portal.pages.admin_executions.PAGE", 2)
    ids = [(await portal.launch(user))["id"] for user in ("alice", "bob", "alice")]
    html = await shown(portal, "admin/executions", OPERATOR)
    assert f"executions/{ids[0]}&#34;" not in html
    assert f"before={ids[1]}" in html
    html = await shown(portal, "admin/executions?user=alice&state=live", OPERATOR)
    assert f'executions/{ids[0]}"' in html
    assert f'executions/{ids[1]}"' not in html
    assert "No execution matches." in await shown(portal, "admin/executions?state=ended", OPERATOR)
    assert (await page(portal, "admin/executions", EVERYBODY)).status_code == 403
    assert (await page(portal, "admin/executions?before=x", OPERATOR)).status_code == 404


def wishes(portal: Portal) -> list[tuple[str, str, dict[str, Any]]]:
    columns = (intents.c.kind, intents.c.by_user, intents.c.arguments)
    with portal.database.transaction() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(intents.c.id))]


async def test_an_operator_moves_and_stops_what_waits(portal: Portal) -> None:
    it = (await portal.launch("alice"))["id"]
    html = await shown(portal, "queue?user=alice", OPERATOR)
    assert f"queue/{it}/priority" in html
    assert 'value="high"' not in html, "that needs a permission"
    assert f"queue/{it}/priority" not in await shown(portal, "queue?user=bob", OPERATOR)
    answer = await send(portal, f"queue/{it}/priority", OPERATOR, priority="low", user="alice")
    assert answer.headers["Location"] == "/services/zoe/queue?user=alice"
    assert (await send(portal, f"queue/{it}/stop", OPERATOR)).status_code == 303
    assert [each[:2] for each in wishes(portal)] == [("change", "olga"), ("terminate", "olga")]
    assert wishes(portal)[0][2] == {"priority": "low"}


async def test_others_move_and_stop_only_their_own(portal: Portal) -> None:
    it = (await portal.launch("alice"))["id"]
    high = await send(portal, f"queue/{it}/priority", EVERYBODY, "alice", priority="high")
    assert high.status_code == 403
    for path, form in ((f"queue/{it}/priority", {"priority": "low"}), (f"queue/{it}/stop", {})):
        assert (await send(portal, path, EVERYBODY, "bob", **form)).status_code == 404
    assert wishes(portal) == []
    own = await send(portal, f"queue/{it}/priority", EVERYBODY, "alice", priority="low")
    assert own.status_code == 303
    assert (await send(portal, f"queue/{it}/priority", priority="odd")).status_code == 400


# --- usage and the audit log ---


async def test_usage_is_shown_by_user_group_and_zapp(portal: Portal) -> None:
    assert "Nothing was used." in await shown(portal, "admin/usage")
    for user in ("alice", "carol"):
        await ended(portal, user)
    period = "from=2026-11-01&to=2026-11-03"
    html = await shown(portal, f"admin/usage?{period}")
    assert "alice, 2 Nov 2026: 1 core-hours" in html
    assert "/api/v1/usage.csv?from=2026-11-01T00%3A00%3A00%2B00%3A00" in html
    assert "Without a group" in await shown(portal, f"admin/usage?{period}&by=group")
    assert "small, 2 Nov 2026" in await shown(portal, f"admin/usage?{period}&by=zapp")
    html = await shown(portal, "admin/usage?from=2026-11-03&to=2026-11-02")
    assert "The first day must not be after the last." in html


async def test_the_audit_log_has_pages_and_filters(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoe_hub.portal.pages.admin_audit.PAGE", 2)
    moments = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    record(
        portal.database,
        [
            Deed(at, "ada", "user", "launch", f"executions/{at.day}", "done", {"zapp": "pi"})
            for at in moments
        ],
    )
    html = await shown(portal, "admin/audit?actor=ada")
    assert "launched pi as" in html
    assert 'executions/3"' in html
    older = re.search(r'href="/services/zoe/(admin/audit\?[^"]*cursor=[^"]+)"', html)
    assert older is not None
    html = await shown(portal, older[1].replace("&amp;", "&"))
    assert 'executions/1"' in html
    assert 'executions/3"' not in html
    html = await shown(portal, "admin/audit?from=2026-01-02&to=2026-01-02")
    assert 'executions/2"' in html
    assert 'executions/1"' not in html
    assert "since=2026-01-02T00%3A00%3A00Z&amp;until=2026-01-03T00%3A00%3A00Z" in html
    for wrong in ("from=yesterday", "to=9999-12-31", "cursor=odd", "outcome=odd"):
        assert "Everything is shown." in await shown(portal, f"admin/audit?{wrong}")


async def test_warnings_say_what_to_do(portal: Portal) -> None:
    html = await shown(portal, "admin/warnings")
    assert "Who knows." in html
    assert "What to do:" in html
    assert "The database answers." in html
