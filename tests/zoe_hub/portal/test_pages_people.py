"""The execution's page: its timeline, changes, and warnings; and the page of one's usage."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from zoe_core.cluster import Quota
from zoe_hub import permissions
from zoe_store import events, quotas, tables

from .conftest import Portal
from .test_pages import launched, page, send, shown


def run_since(portal: Portal, number: int, seconds: float) -> None:
    """As if the master had started it so long ago."""
    now = datetime.now(UTC)
    started = now - timedelta(seconds=seconds)
    with portal.database.transaction() as connection:
        connection.execute(
            sa.update(tables.executions)
            .where(tables.executions.c.id == number)
            .values(status="running", started_at=started)
        )
        events.lock_events(connection)
        moves = [("submitted", "queued"), ("queued", "starting"), ("starting", "running")]
        told = [events.NewEvent(number, "status", {"from": a, "to": b}) for a, b in moves]
        events.append_events(connection, told, started)


def limit_all(portal: Portal, seconds: int) -> None:
    quotas.set_quota(portal.database, "user", "alice", Quota(runtime_limit=seconds), "olga")


def wishes(portal: Portal) -> list[tuple[str, object]]:
    """What the master is asked for."""
    with portal.database.transaction() as connection:
        query = sa.select(tables.intents.c.kind, tables.intents.c.arguments)
        return [tuple(row) for row in connection.execute(query)]


# --- the timeline ---


async def test_the_page_tells_the_states_it_went_through(portal: Portal) -> None:
    number = await launched(portal)
    run_since(portal, number, 75)
    html = await shown(portal, f"executions/{number}")
    timeline = html[html.index('id="timeline"') : html.index("</ol>", html.index('id="timeline"'))]
    for word in ("Submitted", "Queued", "Starting", "Running", "Ended"):
        assert word in timeline
    assert timeline.count('aria-current="step"') == 1
    assert "1 min 1" in timeline


# --- priority and runtime limit ---


async def test_the_priority_of_one_that_waits_can_be_changed(portal: Portal) -> None:
    number = await launched(portal)
    html = await shown(portal, f"executions/{number}")
    assert '<option value="normal" selected>' in html
    assert '<option value="high"' not in html
    answer = await send(portal, f"executions/{number}/change", priority="low")
    assert answer.headers["Location"] == f"/services/zoe/executions/{number}"
    assert ("change", {"priority": "low"}) in wishes(portal)
    refused = await send(portal, f"executions/{number}/change", priority="high")
    assert refused.status_code == 403
    unknown = await send(portal, f"executions/{number}/change", priority="highest")
    assert unknown.status_code == 400


async def test_who_may_prioritize_is_offered_high(portal: Portal) -> None:
    number = await launched(portal)
    headers = portal.headers("olga", tuple(permissions.ADMIN_SCOPES))
    answer = await portal.client.get(f"executions/{number}", headers=headers)
    assert '<option value="high"' in answer.text


async def test_a_change_of_somebody_elses_is_not_there(portal: Portal) -> None:
    number = await launched(portal, "bob")
    assert (await send(portal, f"executions/{number}/change", priority="low")).status_code == 404
    assert wishes(portal) == []


async def test_a_warning_stands_on_all_pages_and_lets_it_run_longer(portal: Portal) -> None:
    limit_all(portal, 4 * 3600)
    number = await launched(portal, name="the long one")
    await send(portal, f"executions/{number}/change", runtime_limit="3600")
    with portal.database.transaction() as connection:  # as the master does with the wish
        connection.execute(sa.update(tables.executions).values(changes={"runtime_limit": 3600}))
    run_since(portal, number, 3000)
    for path in ("", "zapps/small", "executions", "usage/me", f"executions/{number}"):
        html = await shown(portal, path)
        warning = html[html.index('class="alert alert-warning zoe-ending"') :]
        assert "hidden" not in warning[: warning.index(">")], path
        assert 'name="runtime_limit" value="7200"' in warning
        assert 'name="runtime_limit" value="14400"' in warning  # what the quota allows, not 5 h
        assert "its runtime limit is 1 h" in warning
    assert "zoe-ending" not in await shown(portal, "", "bob")
    await send(portal, f"executions/{number}/change", runtime_limit="7200")
    assert ("change", {"runtime_limit": 7200}) in wishes(portal)
    beyond = await send(portal, f"executions/{number}/change", runtime_limit="99999")
    assert beyond.status_code == 422


async def test_before_its_time_a_warning_waits_hidden(portal: Portal) -> None:
    limit_all(portal, 3600)
    number = await launched(portal)
    run_since(portal, number, 60)
    html = await shown(portal, "")
    start = html.index("zoe-ending")
    assert "hidden" in html[start : html.index(">", start)]
    # On its own page one can extend it all the same, here to no more than it has.
    assert "The quota allows no more." in await shown(portal, f"executions/{number}")


async def test_a_wish_that_is_none_is_refused(portal: Portal) -> None:
    number = await launched(portal)
    for text in ("", "0", "-5", "1.5", "x" * 100, str(2**40)):
        answer = await send(portal, f"executions/{number}/change", runtime_limit=text)
        assert answer.status_code == 400, text
    assert wishes(portal) == []


async def test_a_change_is_told_in_the_audit_log(portal: Portal) -> None:
    number = await launched(portal)
    await send(portal, f"executions/{number}/change", priority="low")
    admin = tuple(permissions.ADMIN_SCOPES)
    query = {"action": "changeExecution"}
    answer = await portal.request("GET", "/audit", "olga", scopes=admin, params=query)
    (entry,) = answer.json()["items"]
    assert (entry["actor"], entry["target"]) == ("alice", f"executions/{number}")
    assert entry["detail"] == {"priority": "low"}


# --- my usage ---


async def test_usage_shows_what_is_held_against_the_quota(portal: Portal) -> None:
    quotas.set_quota(portal.database, "user", "alice", Quota(executions=4, memory=2**30), "olga")
    number = await launched(portal)
    run_since(portal, number, 7200)
    part = {"execution_id": number, "service": "main", "index": 0, "attempt": 1, "node": "n"}
    more = {"essential": True, "monitor": True, "desired": "present", "observed": "running"}
    size = {"memory": 2**28, "millicores": 1500}
    started = datetime.now(UTC) - timedelta(hours=2)
    with portal.database.transaction() as connection:
        connection.execute(
            sa.insert(tables.instances).values(part | more | size | {"started_at": started})
        )
    html = await shown(portal, "usage/me")
    assert "1 of 4" in html
    assert "256 MB of 1 GB" in html
    assert "1.5, without a limit" in html
    assert "3 core-hours" in html
    assert ">small</th>" in html
    other = await shown(portal, "usage/me", "bob")
    assert "Nothing was used in these days." in other
    assert "256 MB" not in other


async def test_usage_can_be_had_as_a_table(portal: Portal) -> None:
    await launched(portal)
    with portal.database.transaction() as connection:
        connection.execute(sa.update(tables.executions).values(ended_at=datetime.now(UTC)))
    html = await shown(portal, "usage/me")
    start = html.index("/services/zoe/api/v1/usage.csv")
    address = html[start : html.index('"', start)].replace("&amp;", "&")
    table = await page(portal, address.removeprefix("/services/zoe/"))
    assert table.status_code == 200
    assert table.headers["Content-Type"].startswith("text/csv")
    assert table.text.splitlines()[1].startswith(f"{datetime.now(UTC).date()},1,")
