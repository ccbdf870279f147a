"""When a launch would start, over REST and on the launch form, with a real master and without."""

from typing import Any

import httpx
import pytest

from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.programs import python
from tests.zoe_hub.portal.test_bad_input import OWN, check_problem, count_rows
from zoe_core.cluster import Quota
from zoe_core.protocol.rest import Estimate, Estimates
from zoe_hub import permissions, platform_view
from zoe_hub.portal.presenters.estimate import NOT_NOW
from zoe_store.quotas import set_quota

LIMIT = 3000  # seconds
OPERATOR = ("access:services!service=zoe", "custom:zoe:status", "custom:zoe:operate-others")


async def asked(portal: Portal, user: str = "alice", **body: Any) -> httpx.Response:
    return await portal.request("POST", "/estimate", user, json=body)


async def estimates(portal: Portal, **body: Any) -> tuple[Estimate, ...]:
    """The answers, once the master is there to give them."""

    async def answer() -> tuple[Estimate, ...]:
        got = await asked(portal, **body)
        assert got.status_code == 200, got.text
        return Estimates.model_validate_json(got.content).items

    return await eventually_async(answer, timeout=60)


async def part(portal: Portal, user: str = "alice", **fields: str) -> str:
    """What the launch form of the small ZApp takes over."""
    answer = await portal.client.post(
        "zapps/small/estimate", data=fields, headers=portal.headers(user)
    )
    assert answer.status_code == 200, answer.text
    return answer.text


async def answered_part(portal: Portal, **fields: str) -> str:
    """The same, once the scheduler has the time to answer: others use the machine too."""

    async def answer() -> str:
        html = await part(portal, **fields)
        assert NOT_NOW not in html
        return html

    return await eventually_async(answer, timeout=60)


async def all_cores(portal: Portal) -> float:
    """The cores of all nodes, once the scheduler knows any."""

    async def found() -> float:
        nodes = (await portal.get("/cluster")).json()["items"]
        return sum(node["capacity"]["cores"] for node in nodes)

    return await eventually_async(found, timeout=60)


async def fill(portal: Portal, **attributes: Any) -> int:
    """Let something run that takes all cores; returns its id once it runs."""
    cores = await all_cores(portal)
    description = python("import time; time.sleep(600)", resources={"cores": {"min": cores}})
    body = {"description": {**description, **attributes}}
    answer = await portal.request("POST", "/executions", json=body)
    assert answer.status_code == 201, answer.text
    path = f"/executions/{answer.json()['id']}"

    async def runs() -> bool:
        return (await portal.get(path)).json()["status"] == "running"

    await eventually_async(runs, timeout=60)
    return int(answer.json()["id"])


# --- with a master ---


@pytest.mark.usefixtures("master")
async def test_there_is_room_now_for_all_alternatives(portal: Portal) -> None:
    await all_cores(portal)
    alternatives = [{"workers": 1}, {"workers": 4}]
    found = await estimates(
        portal, zapp="small", parameters={"workers": 2}, alternatives=alternatives
    )
    assert [each.status for each in found] == ["now", "now", "now"]
    assert [each.parameters for each in found] == [{"workers": 2}, *alternatives]
    assert {each.text for each in found} == {"Starts now."}
    assert count_rows(portal) == 0

    html = await answered_part(portal, **{"parameter.workers": "2"})
    assert "Starts now." in html
    assert 'data-take="parameter.workers" data-value="4"' in html


@pytest.mark.usefixtures("master")
async def test_it_starts_when_what_runs_has_ended(portal: Portal) -> None:
    await fill(portal, runtime_limit=LIMIT)
    (own,) = await estimates(portal, description=OWN)
    assert own.status == "later"
    assert own.mid_s is not None
    assert 0 < own.mid_s <= LIMIT
    assert own.text.startswith("Starts in about ")
    assert "Starts in about " in await answered_part(portal)

    waiting = (await portal.launch())["id"]

    async def expected() -> dict[str, Any]:
        execution = (await portal.get(f"/executions/{waiting}")).json()
        start: dict[str, Any] | None = execution["waiting"]["expected"]
        assert start is not None, "it was looked at"
        assert start["status"] == "later"
        return start

    start = await eventually_async(expected, timeout=60)
    assert 0 < start["mid_s"] <= LIMIT
    for user, scopes in (("alice", None), ("bob", None), ("olga", OPERATOR)):
        (entry,) = (await portal.get("/queue", user, scopes=scopes)).json()["items"]
        assert entry["expected"]["status"] == "later", "everybody may know when, if not what"
    page = await portal.client.get(f"executions/{waiting}", headers=portal.headers("alice"))
    assert "Starts in about " in page.text
    page = await portal.client.get("queue", headers=portal.headers("bob"))
    assert "of somebody else" in page.text
    assert "Starts in about " in page.text


@pytest.mark.usefixtures("master")
async def test_nobody_can_tell_when_something_ends_that_may_run_for_ever(portal: Portal) -> None:
    number = await fill(portal)
    (own,) = await estimates(portal, description=OWN)
    assert (own.status, own.mid_s) == ("unknown", None)
    assert own.text.endswith(f"obody can tell how long execution {number} runs.")
    html = await answered_part(portal)
    assert own.text in html
    assert "data-take" not in html, "there is nothing to choose by"


# --- without ---


async def test_while_the_scheduler_is_away_there_is_none(portal: Portal) -> None:
    answer = await asked(portal, zapp="small")
    check_problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert NOT_NOW in await part(portal)


BAD: list[tuple[str, Any, str | None, str]] = [
    ("nothing", {}, None, "either"),
    ("both", {"zapp": "small", "description": OWN}, None, "either"),
    ("unknown ZApp", {"zapp": "nosuch"}, "zapp", "nosuch"),
    ("ZApp of other people", {"zapp": "secret"}, "zapp", "secret"),
    ("wrong parameter", {"zapp": "small", "parameters": {"workers": 9}}, "parameters.workers", "9"),
    ("wrong alternative", {"zapp": "small", "alternatives": [{}, {"workers": 9}]},
     "alternatives[1].workers", "1 to 4"),
    ("unknown parameter", {"zapp": "small", "alternatives": [{"colour": 1}]},
     "alternatives[0].colour", "workers"),
    ("alternatives of a description", {"description": OWN, "alternatives": [{}]}, None,
     "a description has no parameters"),
    ("too many", {"zapp": "small", "alternatives": [{}] * 8}, "alternatives", "7"),
    ("no list", {"zapp": "small", "alternatives": {"workers": 1}}, "alternatives", "an object"),
    ("no set", {"zapp": "small", "alternatives": [4]}, "alternatives[0]", "4"),
    ("a list as a value", {"zapp": "small", "alternatives": [{"workers": [1]}]},
     "alternatives[0].workers", "list"),
    ("wrong description", {"description": {"name": "x", "version": 4}}, "description.services",
     "missing"),
    ("unknown field", {"zapp": "small", "workers": 4}, "workers", "alternatives"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
async def test_a_bad_question_is_refused(
    portal: Portal, body: Any, field: str | None, said: str
) -> None:
    problem = check_problem(await asked(portal, **body), 422)
    assert problem.get("field") == field
    assert said in problem["detail"]


async def test_it_needs_the_scopes_of_the_launch(portal: Portal) -> None:
    launch = (permissions.ACCESS, "custom:zoe:launch")
    for scopes, body, needed in (
        ((permissions.ACCESS,), {"zapp": "small"}, "custom:zoe:launch"),
        (launch, {"description": OWN}, "custom:zoe:launch-own"),
    ):
        answer = await portal.request("POST", "/estimate", scopes=scopes, json=body)
        assert needed in check_problem(answer, 403)["detail"]
    check_problem(await portal.client.post("api/v1/estimate", json={"zapp": "small"}), 401)
    answer = await portal.client.post(
        "zapps/small/estimate", headers=portal.headers("alice", (permissions.ACCESS,))
    )
    assert answer.status_code == 403


async def test_the_form_says_what_would_be_refused(portal: Portal) -> None:
    html = await part(portal, **{"parameter.workers": "9"})
    assert "This would be refused. Workers is 9: must be 1 to 4." in html


async def test_the_form_says_what_is_more_than_the_quota(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform_view, "BELIEVED", 0.0)
    set_quota(portal.database, "user", "alice", Quota(memory=2**27), "olga")
    assert "need 256 MB of memory; your quota is 128 MB." in await part(portal)
    assert "quota" not in await part(portal, "bob")


async def test_the_form_of_a_zapp_for_others_does_not_answer(portal: Portal) -> None:
    answer = await portal.client.post("zapps/secret/estimate", headers=portal.headers("alice"))
    assert answer.status_code == 404
