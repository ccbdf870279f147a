"""Launching, listing, looking at and ending executions over REST."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.hub import SCOPES
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_bad_input import OWN, check_problem, count_rows
from zoe_core.protocol.rest import Execution
from zoe_hub import submission
from zoe_store.tables import deployment, executions, nodes


async def shrink_cluster(portal: Portal) -> None:
    """Leave a node on which nothing fits; returns when the portal knows."""
    tiny = {"name": "tiny", "memory": 1, "millicores": 1, "labels": [], "missing_images": {}}
    state = {"online": True, "draining": False, "seen_at": datetime.now(UTC)}
    with portal.database.transaction() as connection:
        connection.execute(nodes.delete())
        connection.execute(nodes.insert().values(**tiny, **state))

    async def is_known() -> bool:
        platform = await portal.context.submission.platform.look()
        return [node.name for node in platform.nodes] == ["tiny"]

    await eventually_async(is_known)


async def test_a_launch_is_stored_before_it_is_answered(portal: Portal) -> None:
    answer = await portal.request(
        "POST",
        "/executions",
        json={"zapp": "small", "name": "My first", "parameters": {"workers": 3}},
    )

    assert answer.status_code == 201
    execution = Execution.model_validate_json(answer.content)
    assert answer.headers["Location"] == f"/services/zoe/api/v1/executions/{execution.id}"
    assert execution.url == f"/services/zoe/executions/{execution.id}"
    assert (execution.user, execution.name, execution.zapp) == ("alice", "My first", "small")
    assert (execution.status, execution.parameters) == ("submitted", {"workers": 3})
    with portal.database.transaction() as connection:
        stored = connection.execute(executions.select()).one()
    assert stored.description["services"][1]["total_count"] == 3


async def test_an_own_description_is_launched_as_it_is(portal: Portal) -> None:
    answer = await portal.request("POST", "/executions", json={"description": OWN})

    assert answer.status_code == 201
    assert answer.json()["zapp"] is None
    assert answer.json()["name"] == "own"


async def test_whether_it_fits_is_not_found_out_on_the_loop(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the longer the more nodes there are."""
    threads = []

    def fits(*_: object) -> tuple[()]:
        threads.append(threading.current_thread())
        return ()

    monkeypatch.setattr(submission, "could_ever_fit", fits)
    await portal.launch()
    assert threads
    assert threading.current_thread() not in threads


HIGH = {**OWN, "priority": "high"}


@pytest.mark.parametrize("address", ["/executions", "/estimate"])
async def test_high_priority_is_for_whom_the_administrator_lets(
    portal: Portal, address: str
) -> None:
    answer = await portal.request("POST", address, json={"description": HIGH})
    problem = check_problem(answer, 403)
    assert problem["field"] == "description.priority"
    assert "is 'high': this needs the scope custom:zoe:priority" in problem["detail"]
    assert count_rows(portal) == 0


async def test_a_check_of_a_description_tells_of_its_priority(portal: Portal) -> None:
    answer = await portal.request("POST", "/zapps/validate", json={"description": HIGH})
    assert [each["field"] for each in answer.json()["problems"]] == ["priority"]


async def test_who_has_the_scope_may_go_first(portal: Portal) -> None:
    scopes = (*SCOPES, "custom:zoe:priority")
    request = {"json": {"description": HIGH}, "scopes": scopes}
    answer = await portal.request("POST", "/executions", "olga", **request)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("priority", ["normal", "low"])
async def test_other_priorities_are_for_everybody(portal: Portal, priority: str) -> None:
    own = {**OWN, "priority": priority}
    answer = await portal.request("POST", "/executions", json={"description": own})
    assert answer.status_code == 201, answer.text


async def test_the_first_prediction_stays_beside_what_happened(portal: Portal) -> None:
    number = (await portal.launch())["id"]
    assert (await portal.get(f"/executions/{number}")).json()["predicted"] is None
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with portal.database.transaction() as connection:
        foreseen = {"predicted_start_low": at, "predicted_start": at + timedelta(minutes=5)}
        connection.execute(executions.update().values(predicted_at=at, **foreseen))
    answer = await portal.get(f"/executions/{number}")
    assert answer.json()["predicted"] == {
        "at": "2026-01-01T00:00:00Z",
        "low": "2026-01-01T00:00:00Z",
        "mid": "2026-01-01T00:05:00Z",
        "high": None,
    }


async def test_a_repeated_request_is_carried_out_once(portal: Portal) -> None:
    request = {"json": {"zapp": "small"}, "headers": {"Idempotency-Key": "once"}}

    first = await portal.request("POST", "/executions", **request)
    again = await portal.request("POST", "/executions", **request)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["Location"] == again.headers["Location"]
    assert len((await portal.get("/executions")).json()["items"]) == 1


async def test_what_was_accepted_stays_so_when_the_cluster_has_shrunk(portal: Portal) -> None:
    request = {"json": {"zapp": "small"}, "headers": {"Idempotency-Key": "once"}}
    first = await portal.request("POST", "/executions", **request)
    await shrink_cluster(portal)
    check_problem(await portal.request("POST", "/executions", json={"zapp": "small"}), 422)

    again = await portal.request("POST", "/executions", **request)

    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


async def test_the_order_of_fields_does_not_make_another_request(portal: Portal) -> None:
    headers = {"Idempotency-Key": "once", "Content-Type": "application/json"}

    await portal.request(
        "POST", "/executions", headers=headers, content=b'{"zapp": "small", "name": "x"}'
    )
    again = await portal.request(
        "POST", "/executions", headers=headers, content=b'{"name":"x", "zapp":"small"}'
    )

    assert again.status_code == 200


async def test_another_request_with_the_same_key_is_refused(portal: Portal) -> None:
    headers = {"Idempotency-Key": "once"}
    await portal.request("POST", "/executions", headers=headers, json={"zapp": "small"})
    before = count_rows(portal)

    other = await portal.request(
        "POST", "/executions", headers=headers, json={"zapp": "small", "name": "other"}
    )

    assert check_problem(other, 422)["field"] == "Idempotency-Key"
    assert count_rows(portal) == before


async def test_keys_of_two_people_do_not_meet(portal: Portal) -> None:
    request = {"json": {"zapp": "small"}, "headers": {"Idempotency-Key": "once"}}

    first = await portal.request("POST", "/executions", "alice", **request)
    other = await portal.request("POST", "/executions", "bob", **request)

    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]


async def test_a_list_is_paged_newest_first_without_gaps(portal: Portal) -> None:
    launched = [(await portal.launch(name=f"number {n}"))["id"] for n in range(5)]

    seen, cursor = [], ""
    for _ in range(3):
        page = (await portal.get(f"/executions?limit=2{cursor}")).json()
        seen += [each["id"] for each in page["items"]]
        cursor = f"&cursor={page['next']}"

    assert seen == sorted(launched, reverse=True)
    assert page["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=TWO", ["two"]),
        ("name=%25", []),
        ("status=submitted", ["two", "one"]),
        ("status=running,terminated", []),
        ("status=running&status=submitted", ["two", "one"]),
        ("since=2020-01-01T00:00:00Z", ["two", "one"]),
        ("until=2020-01-01T00:00:00%2B01:00", []),
        ("user=alice", ["two", "one"]),
    ],
)
async def test_a_list_is_filtered(portal: Portal, query: str, found: list[str]) -> None:
    for name in ("one", "two"):
        await portal.launch(name=name)

    items = (await portal.get(f"/executions?{query}")).json()["items"]

    assert [each["name"] for each in items] == found


async def test_others_executions_are_as_unknown_as_those_that_do_not_exist(
    portal: Portal,
) -> None:
    number = (await portal.launch("alice"))["id"]
    before = count_rows(portal)

    for method, path in [
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/events"),
        ("GET", "/instances/main-0/logs"),
    ]:
        theirs = await portal.request(method, f"/executions/{number}{path}", "bob")
        nobodys = await portal.request(method, f"/executions/99{path}", "bob")
        expected = check_problem(nobodys, 404)["detail"].replace("99", str(number))
        assert check_problem(theirs, 404)["detail"] == expected
    assert (await portal.get("/executions", "bob")).json()["items"] == []
    assert check_problem(await portal.get("/executions?user=alice", "bob"), 403)["field"] == "user"
    assert check_problem(await portal.get("/executions?user=*", "bob"), 403)["field"] == "user"
    assert count_rows(portal) == before


async def test_operators_see_and_end_what_belongs_to_others(portal: Portal) -> None:
    number = (await portal.launch("alice"))["id"]
    operator = ("access:services!service=zoe", "custom:zoe:operate-others")

    seen = await portal.get(f"/executions/{number}", "olga", scopes=operator)
    listed = await portal.get("/executions?user=*", "olga", scopes=operator)
    own = await portal.get("/executions", "olga", scopes=operator)
    ended = await portal.request("DELETE", f"/executions/{number}", "olga", scopes=operator)

    assert seen.json()["user"] == "alice"
    assert [each["id"] for each in listed.json()["items"]] == [number]
    assert own.json()["items"] == []
    assert ended.status_code == 202


async def test_ending_twice_is_as_good_as_once(portal: Portal) -> None:
    number = (await portal.launch())["id"]

    first = await portal.request("DELETE", f"/executions/{number}")
    stored = count_rows(portal)
    again = await portal.request("DELETE", f"/executions/{number}")

    assert (first.status_code, again.status_code) == (202, 202)
    assert count_rows(portal) == stored


async def test_who_waits_is_told_that_the_scheduler_is_away_and_since_when(
    portal: Portal,
) -> None:
    with portal.database.transaction() as connection:
        connection.execute(
            deployment.update().values(master_seen_at="2026-01-31T12:34:56+00:00", master={})
        )

    waiting = (await portal.launch())["waiting"]

    assert waiting["position"] is None
    assert waiting["reasons"] == [
        "The scheduler is away since 2026-01-31 12:34:56 UTC. Executions start when it is back."
    ]
    scheduler = (await portal.get("/info")).json()["scheduler"]
    assert scheduler == {"status": "away", "seen_at": "2026-01-31T12:34:56Z"}


async def test_zapps_are_for_their_groups_unless_the_whole_gallery_is_granted(
    portal: Portal,
) -> None:
    launcher = ("access:services!service=zoe", "custom:zoe:launch")

    async def slugs(user: str, *more: str) -> list[str]:
        listed = await portal.get("/zapps", user, scopes=(*launcher, *more))
        return [each["slug"] for each in listed.json()["items"]]

    assert await slugs("alice") == ["small"]
    assert await slugs("carol") == ["secret", "small"]
    assert await slugs("olga") == ["small"]
    assert await slugs("olga", "custom:zoe:gallery-full") == ["secret", "small"]
    hidden = await portal.get("/zapps/secret", "alice", scopes=launcher)
    assert check_problem(hidden, 404)["field"] == "slug"


async def test_a_zapp_has_what_a_launch_form_needs(portal: Portal) -> None:
    zapp = (await portal.get("/zapps/small")).json()

    assert zapp["readme"].startswith("# Small")
    assert zapp["available"] is True
    (workers,) = zapp["parameters"]
    assert (workers["alias"], workers["default"], workers["min"], workers["max"]) == (
        "workers",
        2,
        1,
        4,
    )


async def test_a_description_is_checked_without_being_launched(portal: Portal) -> None:
    good = await portal.request("POST", "/zapps/validate", json={"description": OWN})
    bad = await portal.request(
        "POST", "/zapps/validate", json={"description": {**OWN, "version": 9}}
    )

    assert good.json() == {"valid": True, "problems": [], "warnings": []}
    assert bad.status_code == 200
    assert bad.json()["valid"] is False
    assert bad.json()["problems"][0]["field"] == "version"
    assert count_rows(portal) == 0


async def test_prometheus_reads_figures(portal: Portal) -> None:
    await portal.get("/nothing")
    await portal.get("/info")

    text = (await portal.get("/metrics")).text

    assert 'zoe_portal_requests_total{handler="ShowInfo",method="GET",status="200"} 1.0' in text
    assert "zoe_scheduler_silence_seconds -1.0" in text


async def test_methods_that_somebody_made_up_are_one_figure(portal: Portal) -> None:
    for number in range(3):
        await portal.client.request(f"BREW{number}", "api/v1/info")

    text = (await portal.get("/metrics")).text

    assert 'handler="ShowInfo",method="other",status="405"} 3.0' in text
    assert "BREW" not in text
