"""Quotas over REST: who may set them, what is refused, and what they keep from being launched."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_bad_input import OWN, check_problem, count_rows
from zoe_core.protocol.rest import Validation
from zoe_core.protocol.rest_admin import Quota, Quotas
from zoe_hub import platform_view
from zoe_store.tables import executions, quotas

ADMIN = ("access:services!service=zoe", "custom:zoe:admin")
OPERATOR = ("access:services!service=zoe", "custom:zoe:operate-others", "custom:zoe:status")
LIMITS = {
    "executions": 3,
    "memory": 8 * 2**30,
    "cores": 1.5,
    "gpus": 0,
    "runtime_limit": 3600,
    "weight": 2.0,
}
NOTHING = dict.fromkeys(LIMITS)


@pytest.fixture(autouse=True)
def always_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe nothing that was read before: what a test sets counts at once."""
    monkeypatch.setattr(platform_view, "BELIEVED", 0.0)


async def put(portal: Portal, whose: str, **limits: Any) -> Quota:
    answer = await portal.request("PUT", f"/quotas/{whose}", "olga", scopes=ADMIN, json=limits)
    assert answer.status_code == 200, answer.text
    return Quota.model_validate_json(answer.content)


async def listed(portal: Portal) -> list[dict[str, Any]]:
    answer = await portal.get("/quotas", "olga", scopes=ADMIN)
    assert answer.status_code == 200, answer.text
    assert Quotas.model_validate_json(answer.content)
    return [without_change(each) for each in answer.json()["items"]]


def without_change(quota: dict[str, Any]) -> dict[str, Any]:
    """A quota without who set it, and when, which was olga and before now."""
    assert quota["changed_by"] == "olga"
    assert datetime.fromisoformat(quota["changed_at"]) <= datetime.now(UTC)
    return {name: value for name, value in quota.items() if not name.startswith("changed_")}


# --- setting them ---


async def test_what_is_set_is_listed_until_it_is_removed(portal: Portal) -> None:
    assert await listed(portal) == []
    await put(portal, "user/alice", **LIMITS)
    await put(portal, "group/chem%2Fists%20of%20Z%C3%BCrich", executions=1)
    await put(portal, "default/default")

    found = await listed(portal)

    assert found == [
        {"kind": "default", "name": "default", **NOTHING},
        {"kind": "group", "name": "chem/ists of Zürich", **NOTHING, "executions": 1},
        {"kind": "user", "name": "alice", **LIMITS},
    ]
    with portal.database.transaction() as connection:
        row = connection.execute(select(quotas).where(quotas.c.kind == "user")).one()
    assert (row.millicores, row.by_user) == (1500, "olga")
    for whose in ("user/alice", "group/chem%2Fists%20of%20Z%C3%BCrich", "default/default"):
        gone = await portal.request("DELETE", f"/quotas/{whose}", "olga", scopes=ADMIN)
        assert (gone.status_code, gone.content) == (204, b"")
    assert await listed(portal) == []


async def test_setting_replaces_all_limits(portal: Portal) -> None:
    await put(portal, "user/alice", **LIMITS)
    answer = await put(portal, "user/alice", memory=0)
    expected = {"kind": "user", "name": "alice", **NOTHING, "memory": 0}
    assert without_change(answer.model_dump(mode="json")) == expected
    assert await listed(portal) == [expected]


async def test_what_somebody_else_has_set_meanwhile_is_not_replaced(portal: Portal) -> None:
    async def send(method: str, tag: str | None, **body: Any) -> Any:
        headers = None if tag is None else {"If-Match": tag}
        return await portal.request(
            method, "/quotas/user/alice", "olga", scopes=ADMIN, headers=headers, **body
        )

    assert check_problem(await send("PUT", "*", json={}), 412)["field"] == "If-Match"
    set_first = await send("PUT", None, json={"cores": 1})
    first = (await send("GET", None)).headers["ETag"]
    assert set_first.headers["ETag"] == first
    second = (await send("PUT", f'"other", {first}', json={"cores": 2})).headers["ETag"]
    await put(portal, "user/alice", cores=1)  # as at first, but not by the same deed
    newest = (await send("GET", None)).headers["ETag"]
    assert len({first, second, newest}) == 3

    for tag in (first, second, f"W/{newest}", newest.strip('"')):
        problem = check_problem(await send("PUT", tag, json={"cores": 3}), 412)
        assert problem["title"] == "It was changed meanwhile"
        check_problem(await send("DELETE", tag), 412)

    assert [each["cores"] for each in await listed(portal)] == [1]
    assert (await send("PUT", "*", json={"cores": 3})).status_code == 200
    newest = (await send("GET", None)).headers["ETag"]
    assert (await send("DELETE", newest)).status_code == 204
    check_problem(await send("GET", None), 404)


async def test_of_two_who_saw_the_same_only_one_sets_it(portal: Portal) -> None:
    await put(portal, "user/alice", cores=1)
    path = "/quotas/user/alice"
    tag = (await portal.get(path, "olga", scopes=ADMIN)).headers["ETag"]
    answers = await asyncio.gather(
        *(
            portal.request(
                "PUT",
                path,
                "olga",
                scopes=ADMIN,
                headers={"If-Match": tag},
                json={"cores": cores},
            )
            for cores in (2, 3, 4, 5)
        )
    )
    assert sorted(each.status_code for each in answers) == [200, 412, 412, 412]


async def test_of_two_who_saw_none_only_one_sets_it(portal: Portal) -> None:
    async def put_new(none: str, **headers: str) -> Any:
        return await portal.request(
            "PUT",
            "/quotas/user/alice",
            "olga",
            scopes=ADMIN,
            headers={"If-None-Match": none, **headers},
            json={"cores": 1},
        )

    check_problem(await put_new("*", **{"If-Match": "*"}), 412)
    assert check_problem(await put_new('"some"'), 400)["field"] == "If-None-Match"
    answers = await asyncio.gather(*(put_new("*") for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 412, 412, 412]


async def test_no_limit_can_be_said(portal: Portal) -> None:
    unlimited = {**dict.fromkeys(LIMITS, "unlimited"), "weight": None}
    answer = await put(portal, "user/alice", **unlimited)
    expected = {"kind": "user", "name": "alice", **unlimited}
    assert without_change(answer.model_dump(mode="json")) == expected
    assert await listed(portal) == [expected]
    await put(portal, "default/default", executions=0, memory=0, cores=0, gpus=0)
    assert "0 executions" in (await refused(portal, "bob"))["detail"]
    await portal.launch("alice")


async def test_a_quota_with_only_a_weight_lifts_no_limits(portal: Portal) -> None:
    await put(portal, "default/default", executions=0)
    await put(portal, "user/alice", weight=2.0)
    assert "0 executions" in (await refused(portal))["detail"]


async def test_a_name_that_no_user_has_after_the_login_is_refused(portal: Portal) -> None:
    """The Hub writes names in lower case, and asking it shows that nobody is called so."""
    answer = await portal.request("PUT", "/quotas/user/Alice", "olga", scopes=ADMIN, json={})
    problem = check_problem(answer, 422)
    assert problem["field"] == "name"
    assert "'Alice'" in problem["detail"]
    assert "use 'alice'" in problem["detail"]
    assert await listed(portal) == []
    await put(portal, "group/Chemists")  # the Hub takes the names of groups as they are


async def test_a_name_is_right_when_somebody_is_called_so(portal: Portal) -> None:
    """As authenticators make it that leave names as they are."""
    database = portal.hub.log.with_name("hub.sqlite")
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.execute("INSERT INTO users (name, cookie_id) VALUES ('Anna', 'of Anna')")
    await put(portal, "user/Anna")


@pytest.mark.parametrize("whose", ["user/alice", "group/chemists", "default/default"])
async def test_removing_what_is_not_there(portal: Portal, whose: str) -> None:
    answer = await portal.request("DELETE", f"/quotas/{whose}", "olga", scopes=ADMIN)
    assert whose.rpartition("/")[2] in check_problem(answer, 404)["detail"]


BAD: list[tuple[str, Any, str]] = [
    ("executions", -1, "-1"),
    ("executions", 1.5, "1.5"),
    ("executions", "3", "'3'"),
    ("executions", True, "true"),
    ("executions", 2**31, str(2**31)),
    ("memory", "8 GB", "'8 GB': must be a number of bytes, such as 8589934592 for 8 GB"),
    ("memory", "8589934592", "must be a number of bytes"),
    ("memory", 0.5, "0.5: must be a number of bytes"),
    ("memory", False, "false: must be a number of bytes"),
    ("memory", -1, "-1"),
    ("memory", 2**63, str(2**63)),
    ("memory", 10**39, "less than or equal to 9223372036854775806"),
    ("cores", 10**39, "must be less than or equal to 2147483.647"),
    ("cores", "2", "'2'"),
    ("cores", -0.5, "-0.5"),
    ("cores", 1e300, "1e+300"),
    ("gpus", [1], "a list of 1"),
    ("runtime_limit", 0, "0"),
    ("runtime_limit", "1 h", "'1 h'"),
    ("weight", 0, "0"),
    ("weight", -1, "-1"),
    ("weight", "heavy", "'heavy'"),
    ("weight", "unlimited", "'unlimited'"),
    ("executions", "Unlimited", "'Unlimited': must be a number, or 'unlimited'"),
    ("disk", 5, "the fields are executions, memory, cores, gpus, runtime_limit, weight"),
]


@pytest.mark.parametrize(("field", "value", "text"), BAD)
async def test_a_bad_limit_is_refused(portal: Portal, field: str, value: Any, text: str) -> None:
    answer = await portal.request(
        "PUT", "/quotas/user/alice", "olga", scopes=ADMIN, json={field: value}
    )
    problem = check_problem(answer, 422)
    assert problem["field"] == field
    assert text in problem["detail"]
    assert await listed(portal) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/quotas/team/alice", "user"),
        ("/quotas/default/alice", "/quotas/default/default"),
        ("/quotas/user/a%00b", "name"),
        ("/quotas/user/a%0Ab", "name"),
        (f"/quotas/user/{'x' * 256}", "name"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_there_is_no_such_quota(portal: Portal, method: str, path: str, said: str) -> None:
    body = {"json": {}} if method == "PUT" else {}
    answer = await portal.request(method, path, "olga", scopes=ADMIN, **body)
    assert said in check_problem(answer, 404)["detail"]


ROUTES = [
    ("GET", "/quotas"),
    ("GET", "/quotas/user/alice"),
    ("PUT", "/quotas/user/alice"),
    ("DELETE", "/quotas/user/alice"),
    ("PATCH", "/nodes/machine"),
    ("GET", "/drains"),
    ("DELETE", "/drains/machine"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(("user", "scopes"), [("alice", None), ("bob", None), ("olga", OPERATOR)])
async def test_only_administrators_may(
    portal: Portal, method: str, path: str, user: str, scopes: tuple[str, ...] | None
) -> None:
    body = {"json": {}} if method in ("PUT", "PATCH") else {}
    answer = await portal.request(method, path, user, scopes=scopes, **body)
    assert "custom:zoe:admin" in check_problem(answer, 403)["detail"]
    assert await listed(portal) == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_strangers_may_not(portal: Portal, method: str, path: str) -> None:
    check_problem(await portal.client.request(method, f"api/v1{path}"), 401)


# --- what they keep from being launched ---


async def refused(portal: Portal, user: str = "alice", **body: Any) -> dict[str, Any]:
    answer = await portal.request("POST", "/executions", user, json=body or {"zapp": "small"})
    problem = check_problem(answer, 422)
    assert problem["title"] == "It is more than your quota"
    assert count_rows(portal) == 0
    return problem


async def test_what_would_never_fit_into_the_quota_is_refused(portal: Portal) -> None:
    await put(portal, "user/alice", memory=2**27)

    problem = await refused(portal)

    assert problem["field"] == "description.services"
    said = "The essential instances (2) need 256 MB of memory; your quota is 128 MB"
    assert said in problem["detail"]
    await portal.launch("bob")  # who has another one


async def test_a_runtime_limit_beyond_the_quotas_is_refused(portal: Portal) -> None:
    await put(portal, "default/default", runtime_limit=60)
    problem = await refused(portal, description={**OWN, "runtime_limit": 61})
    assert problem["field"] == "description.runtime_limit"
    assert "is 61 seconds: your quota is at most 60 seconds" in problem["detail"]
    allowed = {"description": {**OWN, "runtime_limit": 60}}
    answer = await portal.request("POST", "/executions", json=allowed)
    assert answer.status_code == 201, answer.text


async def test_a_quota_of_no_executions_lets_nobody_launch(portal: Portal) -> None:
    await put(portal, "default/default", executions=0)
    assert "0 executions" in (await refused(portal))["detail"]


async def test_the_most_generous_of_hers_and_her_groups_counts(portal: Portal) -> None:
    await put(portal, "default/default", executions=0)
    await put(portal, "group/chemists", executions=1)
    await refused(portal, "alice")
    await portal.launch("carol")


async def test_a_check_of_a_description_tells_of_the_quota(portal: Portal) -> None:
    await put(portal, "default/default", runtime_limit=60, memory=1)
    body = {"description": {**OWN, "runtime_limit": 61}}
    answer = await portal.request("POST", "/zapps/validate", json=body)
    found = Validation.model_validate_json(answer.content)
    assert not found.valid
    assert [each.field for each in found.problems] == ["services", "runtime_limit"]


async def test_what_was_launched_before_is_found_again_with_its_key(portal: Portal) -> None:
    request = {"json": {"zapp": "small"}, "headers": {"Idempotency-Key": "once"}}
    first = await portal.request("POST", "/executions", **request)
    await put(portal, "user/alice", executions=0)
    again = await portal.request("POST", "/executions", **request)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


async def test_a_change_counts_within_a_moment_for_the_next_launch(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform_view, "BELIEVED", 0.2)
    await portal.launch()
    await put(portal, "user/alice", executions=0)

    async def is_refused() -> bool:
        answer = await portal.request("POST", "/executions", json={"zapp": "small"})
        return answer.status_code == 422

    await eventually_async(is_refused)


async def test_the_groups_are_stored_as_they_are_at_submission(portal: Portal) -> None:
    number = (await portal.launch("carol"))["id"]
    with portal.database.transaction() as connection:
        query = select(executions.c.groups).where(executions.c.id == number)
        assert connection.scalar(query) == ["chemists"]
