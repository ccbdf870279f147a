"""Usage and purging over REST: who may, what is refused, and what is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_bad_input import check_problem
from zoe_core.protocol.rest_admin import UsageReport, UsageSeries
from zoe_store.tables import executions, instances, intents

ACCESS = "access:services!service=zoe"
ADMIN = (ACCESS, "custom:zoe:admin")
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PERIOD = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-03T00:00:00Z"}


async def ended(portal: Portal, user: str) -> int:
    """An execution that held a core and 2 GB for an hour, after a minute in the queue."""
    one: int = (await portal.launch(user))["id"]
    end = NOON + timedelta(hours=1)
    life = {"status": "terminated", "outcome": "terminated", "reason": "It is over."}
    moments = {
        "submitted_at": NOON - timedelta(minutes=1),
        "started_at": NOON,
        "ended_at": end,
    }
    part = {"service": "main", "index": 0, "attempt": 1, "node": "node-0", "memory": 2 * 2**30}
    more = {"essential": True, "monitor": True, "desired": "absent", "observed": "exited"}
    held = {"millicores": 1000, "started_at": NOON, "ended_at": end}
    with portal.database.transaction() as connection:
        connection.execute(update(executions).where(executions.c.id == one).values(life | moments))
        connection.execute(insert(instances).values(part | more | held | {"execution_id": one}))
    return one


async def report(portal: Portal, visitor: str, **query: Any) -> UsageReport:
    scopes = ADMIN if visitor == "olga" else None
    answer = await portal.get("/usage", visitor, scopes=scopes, params=PERIOD | query)
    assert answer.status_code == 200, answer.text
    return UsageReport.model_validate_json(answer.content)


def refused(answer: Any, status: int, field: str | None, detail: str) -> None:
    problem = check_problem(answer, status)
    assert problem.get("field") == field
    assert detail in problem["detail"]


async def test_anybody_sees_her_own(portal: Portal) -> None:
    await ended(portal, "alice")
    await ended(portal, "bob")

    found = await report(portal, "alice")

    (row,) = found.items
    assert row.model_dump() == {
        "key": "alice",
        "executions": 1,
        "failed": 0,
        "core_hours": 1,
        "memory_gb_hours": 2,
        "gpu_hours": 0,
        "mean_wait_s": 60,
    }
    assert (found.group_by, found.since.day, found.until.day) == ("user", 1, 3)


async def test_an_administrator_sees_everybodys_and_anybodys(portal: Portal) -> None:
    for user in ("alice", "alice", "carol"):
        await ended(portal, user)

    everybody = await report(portal, "olga", user="*")
    groups = await report(portal, "olga", user="*", group_by="group")
    hers = await report(portal, "olga", user="carol", group_by="day")

    assert [(each.key, each.core_hours) for each in everybody.items] == [("alice", 2), ("carol", 1)]
    assert [(each.key, each.executions) for each in groups.items] == [("", 2), ("chemists", 1)]
    assert [(each.key, each.executions) for each in hers.items] == [("2026-11-02", 1)]


async def test_the_last_thirty_days_unless_said_otherwise(portal: Portal) -> None:
    await portal.launch()
    answer = await portal.get("/usage")
    found = UsageReport.model_validate_json(answer.content)
    assert (found.items, found.until - found.since) == ((), timedelta(days=30))


@pytest.mark.parametrize("user", ["*", "alice"])
async def test_nobody_else_sees_that_of_others(portal: Portal, user: str) -> None:
    answer = await portal.get("/usage", "bob", params={"user": user})
    refused(answer, 403, "user", "custom:zoe:admin")


@pytest.mark.parametrize(
    ("query", "field", "detail"),
    [
        ({"from": "2026-11-03T00:00:00Z", "to": "2026-11-02T00:00:00Z"}, None, "must be before to"),
        ({"from": "yesterday"}, "from", "'yesterday'"),
        ({"to": "2026-11-02T00:00:00"}, "to", "timezone"),
        ({"to": "0001-01-01T00:00:00Z"}, "to", "must be in the years 1970 to 9998"),
        ({"from": "9999-12-31T23:59:59-12:00"}, "from", "must be in the years 1"),
        ({"group_by": "node"}, "group_by", "'user', 'group', 'zapp' or 'day'"),
        ({"since": "2026-11-02T00:00:00Z"}, "since", "the fields are from, to, group_by, user"),
    ],
)
async def test_what_is_wrong_is_named(
    portal: Portal, query: dict[str, str], field: str | None, detail: str
) -> None:
    refused(await portal.get("/usage", params=query), 400, field, detail)


# --- purging ---


async def purge(portal: Portal, one: int, user: str, scopes: tuple[str, ...] | None = None) -> Any:
    return await portal.request(
        "DELETE", f"/executions/{one}", user, scopes, params={"purge": "true"}
    )


def wishes(portal: Portal) -> list[tuple[int, str, str]]:
    columns = (intents.c.execution_id, intents.c.kind, intents.c.by_user)
    with portal.database.transaction() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


async def test_one_may_purge_what_has_ended_of_ones_own(portal: Portal) -> None:
    one = await ended(portal, "alice")

    answers = [await purge(portal, one, "alice") for _ in range(2)]

    assert [each.status_code for each in answers] == [202, 202]
    assert answers[0].json()["status"] == "terminated"
    assert wishes(portal) == [(one, "purge", "alice")]


async def test_an_administrator_may_purge_anybodys(portal: Portal) -> None:
    one = await ended(portal, "alice")
    assert (await purge(portal, one, "olga", ADMIN)).status_code == 202
    assert wishes(portal) == [(one, "purge", "olga")]


async def test_what_has_not_ended_is_not_purged(portal: Portal) -> None:
    one = (await portal.launch())["id"]
    refused(await purge(portal, one, "alice"), 409, None, "is submitted: stop it first")
    assert wishes(portal) == []


async def test_nobody_else_may_purge_it(portal: Portal) -> None:
    one = await ended(portal, "alice")
    refused(await purge(portal, one, "bob"), 404, "execution_id", "You have no execution")
    without = (ACCESS, "custom:zoe:launch")
    refused(await purge(portal, one, "alice", without), 403, None, "custom:zoe:delete")
    assert wishes(portal) == []


# --- over time, and files ---


async def test_a_series_has_all_intervals_and_who_used_most(portal: Portal) -> None:
    for user in ("alice", "alice", "carol"):
        await ended(portal, user)

    answer = await portal.get(
        "/usage/series", "olga", scopes=ADMIN, params=PERIOD | {"user": "*", "top": "1"}
    )

    found = UsageSeries.model_validate_json(answer.content)
    assert [each.day for each in found.starts] == [1, 2]
    told = [(each.start.day, each.key, each.rest, each.core_hours) for each in found.items]
    assert told == [(2, "alice", False, 2), (2, "", True, 1)]
    assert (found.interval, found.group_by) == ("day", "user")


async def test_anybody_sees_her_own_series_and_nobody_elses(portal: Portal) -> None:
    await ended(portal, "alice")
    await ended(portal, "bob")
    answer = await portal.get("/usage/series", params=PERIOD)
    items = UsageSeries.model_validate_json(answer.content).items
    assert [each.key for each in items] == ["alice"]
    for path in ("/usage/series", "/usage.csv", "/usage/series.csv"):
        refused(await portal.get(path, "bob", params={"user": "*"}), 403, "user", "zoe:admin")


@pytest.mark.parametrize(
    ("query", "field", "detail"),
    [
        ({"from": "2020-01-01T00:00:00Z"}, "interval", "ask for at most 400"),
        ({"from": "1970-01-01T00:00:00Z", "interval": "month"}, "interval", "at most 400"),
        ({"group_by": "day"}, "group_by", "'user', 'group' or 'zapp'"),
        ({"interval": "hour"}, "interval", "'day', 'week' or 'month'"),
        ({"top": "0"}, "top", "greater than or equal to 1"),
    ],
)
async def test_a_series_is_bounded(
    portal: Portal, query: dict[str, str], field: str, detail: str
) -> None:
    refused(await portal.get("/usage/series", params=query), 400, field, detail)


async def test_files_have_the_same_as_the_documents(portal: Portal) -> None:
    await ended(portal, "alice")
    sums = await portal.get("/usage.csv", params=PERIOD)
    assert sums.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert sums.headers["Content-Disposition"] == 'attachment; filename="usage-by-user.csv"'
    header = "executions,failed,core_hours,memory_gb_hours,gpu_hours,mean_wait_s"
    assert sums.text.splitlines() == [f"user,{header}", "alice,1,0,1.0,2.0,0.0,60.0"]
    series = await portal.get("/usage/series.csv", params=PERIOD | {"interval": "month"})
    assert series.text.splitlines() == [
        f"month,user,{header}",
        "2026-11-01,alice,1,0,1.0,2.0,0.0,60.0",
    ]
