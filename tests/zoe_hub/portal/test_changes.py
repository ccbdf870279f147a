"""Changing an execution: what may be changed, when, and by whom; and that it counts."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.hub import SCOPES
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_bad_input import OWN, check_problem, count_rows
from zoe_core.cluster import Quota
from zoe_hub import permissions, platform_view
from zoe_store import quotas
from zoe_store.events import read_events
from zoe_store.tables import executions, intents

GB = 2**30
OPERATOR = (permissions.ACCESS, "custom:zoe:operate-others")


@pytest.fixture(autouse=True)
def always_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe nothing that was read before: what a test sets counts at once."""
    monkeypatch.setattr(platform_view, "BELIEVED", 0.0)


async def change(
    portal: Portal, execution_id: int, user: str = "alice", scopes: Any = None, **changes: Any
) -> Any:
    path = f"/executions/{execution_id}"
    return await portal.request("PATCH", path, user, scopes, json=changes)


def wishes(portal: Portal) -> list[tuple[str, dict[str, Any]]]:
    with portal.database.transaction() as connection:
        found = connection.execute(select(intents.c.by_user, intents.c.arguments))
        return [(row.by_user, row.arguments) for row in found]


async def test_what_waits_may_be_changed_in_every_way(portal: Portal) -> None:
    it = await portal.launch()
    assert (it["priority"], it["runtime_limit"], it["resources"]) == ("normal", None, {})
    wanted = {
        "priority": "low",
        "runtime_limit": 3600,
        "resources": {"worker": {"memory": GB, "cores": 0.5}},
    }

    answer = await change(portal, it["id"], **wanted)

    assert answer.status_code == 202, answer.text
    assert wishes(portal) == [("alice", wanted)]


SLEEPER = {**OWN, "services": [{**OWN["services"][0], "command": "sleep 600"}]}


async def until(portal: Portal, execution_id: int, **wanted: Any) -> dict[str, Any]:
    """The execution, once it is so."""

    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = (await portal.get(f"/executions/{execution_id}")).json()
        return found if wanted.items() <= found.items() else None

    found = await eventually_async(look, 60)
    assert found is not None
    return found


@pytest.mark.usefixtures("master")
async def test_a_runtime_limit_that_is_changed_ends_what_runs(portal: Portal) -> None:
    it = await portal.launch(zapp=None, description=SLEEPER)
    running = await until(portal, it["id"], status="running")
    assert running["ends_at"] is None
    assert (await change(portal, it["id"], runtime_limit=3600)).status_code == 202
    longer = await until(portal, it["id"], runtime_limit=3600)
    assert longer["ends_because"] == "runtime_limit"
    assert longer["ends_at"] > longer["started_at"]
    too_late = await change(portal, it["id"], resources={"main": {"memory": GB}})
    assert check_problem(too_late, 409)["field"] == "resources"

    await shorten(portal, it["id"])
    ended = await until(portal, it["id"], status="terminated")
    assert ended["reason"].startswith("Its runtime limit of ")
    assert ended["ends_at"] is None
    check_problem(await change(portal, it["id"], priority="low"), 409)


async def shorten(portal: Portal, execution_id: int) -> None:
    """To no longer than it has run, up to a second."""
    limit = 1
    while (answer := await change(portal, execution_id, runtime_limit=limit)).status_code == 422:
        assert "already" in answer.json()["detail"]
        limit += 1
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("changes", "status", "field", "said"),
    [
        ({}, 422, None, "at least one of"),
        ({"name": "x"}, 422, "name", "not known here"),
        ({"priority": "urgent"}, 422, "priority", '"low" or "normal" or "high"'),
        ({"priority": "high"}, 403, "priority", "custom:zoe:priority"),
        ({"runtime_limit": 0}, 422, "runtime_limit", "1 or more"),
        ({"runtime_limit": 1.5}, 422, "runtime_limit", "a whole number"),
        ({"runtime_limit": 7201}, 422, "runtime_limit", "at most 7200"),
        ({"resources": {"nosuch": {"cores": 1}}}, 422, "resources.nosuch", "main, worker"),
        ({"resources": {"main": {"disk": 1}}}, 422, "resources.main.disk", "not known"),
        ({"resources": {"main": {"memory": 1}}}, 422, "resources.main.memory", "16777216"),
        ({"resources": {"main": {"memory": 3 * GB}}}, 422, "services", "your quota is 2 GB"),
    ],
)
async def test_a_bad_change_is_refused_and_nothing_is_wished(
    portal: Portal, changes: dict[str, Any], status: int, field: str | None, said: str
) -> None:
    quota = Quota(memory=2 * GB, runtime_limit=7200)
    quotas.set_quota(portal.database, "user", "alice", quota, "olga")
    it = await portal.launch()
    before = count_rows(portal)

    problem = check_problem(await change(portal, it["id"], **changes), status)

    assert problem.get("field") == field
    assert said in str(problem)
    assert count_rows(portal) == before


async def test_memory_and_cores_are_for_whom_the_administrator_lets(portal: Portal) -> None:
    scopes = tuple(each for each in SCOPES if each != "custom:zoe:resources")
    sizes = {"main": {"memory": GB}}
    body = {"zapp": "small", "resources": sizes}

    refused = await portal.request("POST", "/executions", scopes=scopes, json=body)
    assert "custom:zoe:resources" in check_problem(refused, 403)["detail"]
    it = await portal.launch(resources=sizes)
    assert it["resources"] == {"main": {"memory": GB, "cores": None}}
    again = await change(portal, it["id"], scopes=scopes, resources=sizes)
    assert "custom:zoe:resources" in check_problem(again, 403)["detail"]


async def test_sizes_are_stored_beside_the_description(portal: Portal) -> None:
    it = await portal.launch(resources={"main": {"memory": GB}})
    with portal.database.transaction() as connection:
        row = connection.execute(select(executions).filter_by(id=it["id"])).one()
    assert row.changes == {"resources": {"main": {"memory": GB}}}
    assert row.description["services"][0]["resources"]["memory"] == {"min": 2**27}


async def test_the_same_key_with_other_sizes_is_another_request(portal: Portal) -> None:
    key = {"Idempotency-Key": "one"}
    body = {"zapp": "small", "resources": {"main": {"memory": GB}}}
    first = await portal.request("POST", "/executions", headers=key, json=body)
    assert first.status_code == 201
    again = await portal.request("POST", "/executions", headers=key, json=body)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    other = await portal.request("POST", "/executions", headers=key, json={"zapp": "small"})
    assert check_problem(other, 422)["field"] == "Idempotency-Key"


async def test_what_is_wished_already_counts_before_it_is_carried_out(portal: Portal) -> None:
    """There is no master here: nothing that is wished is carried out."""
    quotas.set_quota(portal.database, "user", "alice", Quota(memory=2 * GB), "olga")
    it = await portal.launch()
    large = {"memory": GB * 5 // 4}
    first = await change(portal, it["id"], resources={"main": large})
    assert first.status_code == 202, first.text

    second = await change(portal, it["id"], resources={"worker": large})

    assert "your quota is 2 GB" in check_problem(second, 422)["detail"]
    smaller = {"main": {"memory": GB // 2}, "worker": large}
    assert (await change(portal, it["id"], resources=smaller)).status_code == 202
    assert len(wishes(portal)) == 2


async def test_of_two_changes_at_a_time_one_is_too_much(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    quotas.set_quota(portal.database, "user", "alice", Quota(memory=2 * GB), "olga")
    it = await portal.launch()
    submission = portal.context.submission
    check, both_checked = submission.check_change, asyncio.Barrier(2)
    checks = 0

    async def check_together(*args: Any) -> None:
        nonlocal checks
        checks += 1
        again = checks > 2
        await check(*args)
        if not again:
            await both_checked.wait()

    monkeypatch.setattr(submission, "check_change", check_together)
    large = {"memory": GB * 5 // 4}

    answers = await asyncio.gather(
        *(change(portal, it["id"], resources={name: large}) for name in ("main", "worker"))
    )

    assert sorted(each.status_code for each in answers) == [202, 422]
    assert len(wishes(portal)) == 1
    assert checks == 3


async def test_others_find_nothing_and_operators_may(portal: Portal) -> None:
    it = await portal.launch()
    check_problem(await change(portal, it["id"], "bob", priority="low"), 404)
    answer = await change(portal, it["id"], "olga", OPERATOR, priority="low")
    assert answer.status_code == 202
    assert wishes(portal) == [("olga", {"priority": "low"})]


async def test_the_quota_of_its_user_counts_for_operators_as_well(portal: Portal) -> None:
    quotas.set_quota(portal.database, "user", "alice", Quota(runtime_limit=60), "olga")
    it = await portal.launch()
    assert (it["runtime_limit"], it["longest_runtime"]) == (60, 60)
    answer = await change(portal, it["id"], "olga", OPERATOR, runtime_limit=61)
    assert check_problem(answer, 422)["field"] == "runtime_limit"


@pytest.mark.usefixtures("master")
async def test_the_master_tells_what_it_changed(portal: Portal) -> None:
    it = await portal.launch(zapp=None, description=SLEEPER)
    assert (await change(portal, it["id"], priority="low")).status_code == 202
    await until(portal, it["id"], priority="low")
    found = read_events(portal.database, after=0, execution_id=it["id"])
    told = {each.kind: each.data for each in found}
    assert told["change_requested"] == {"priority": "low"}
    assert told["changed"] == {"by": "alice", "priority": "low"}
