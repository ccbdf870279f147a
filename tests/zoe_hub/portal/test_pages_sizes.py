"""The launch form's sizes and runtime limit, the search of the gallery, and own descriptions."""

import json
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from zoe_core.cluster import Quota
from zoe_hub import permissions
from zoe_store import quotas

from .conftest import Portal
from .test_pages import Document, add_node, launched, page, send, shown, stored

POWER = tuple(permissions.POWER_SCOPES)
MB = 2**20


async def as_power(portal: Portal, path: str, **form: str) -> httpx.Response:
    """Ask for a page, or send a form, as somebody who may choose sizes and launch her own."""
    headers = portal.headers("olga", POWER)
    if form:
        return await portal.client.post(path, data=form, headers=headers)
    return await portal.client.get(path, headers=headers)


def own(**fields: Any) -> str:
    one = {"name": "main", "image": "python", "monitor": True, "command": "python -V"}
    service = {**one, "total_count": 1, "essential_count": 1, **fields}
    return json.dumps({"name": "mine", "version": 4, "services": [service]})


# --- sizes and the runtime limit ---


async def test_sliders_are_for_who_may_choose_sizes(portal: Portal) -> None:
    add_node(portal, ["python"], {})
    assert "memory.main" not in Document(await shown(portal, "zapps/small")).inputs
    inputs = Document((await as_power(portal, "zapps/small")).text).inputs
    assert inputs["memory.main"]["value"] == "128"
    assert inputs["memory.main"]["max"] == str(2**40 // MB)
    assert inputs["cores.worker"]["value"] == "0.1"


async def test_what_was_chosen_is_launched_shown_and_carried_on(portal: Portal) -> None:
    sizes = {"memory.main": "256", "cores.worker": "0.5", "runtime_limit": "90"}
    answer = await as_power(portal, "zapps/small", name="large", **sizes)
    assert answer.status_code == 303, answer.text
    (record,) = stored(portal)
    assert record.changes == {
        "resources": {"main": {"memory": 256 * MB}, "worker": {"cores": 0.5}},
        "runtime_limit": 5400,
    }
    html = (await as_power(portal, f"executions/{record.id}")).text
    assert "main: 256 MB each · worker: 0.5 cores each" in html
    assert f"zapps/small?again={record.id}" in html
    inputs = Document((await as_power(portal, f"zapps/small?again={record.id}")).text).inputs
    again = {name: inputs[name]["value"] for name in (*sizes, "memory.worker")}
    assert again == {**sizes, "memory.worker": "128"}


async def test_sizes_that_somebody_may_not_choose_are_refused(portal: Portal) -> None:
    answer = await send(portal, "zapps/small", name="x", **{"memory.main": "256"})
    assert answer.status_code == 403
    assert "custom:zoe:resources" in answer.text
    assert stored(portal) == []


async def test_a_size_that_is_none_is_explained_next_to_it(portal: Portal) -> None:
    answer = await as_power(portal, "zapps/small", name="x", **{"memory.main": "much"})
    assert answer.status_code == 422
    field = Document(answer.text).inputs["memory.main"]
    assert (field["value"], field["aria-invalid"]) == ("much", "true")
    assert "must be a number of MB" in answer.text
    assert stored(portal) == []


async def test_anybody_may_set_a_runtime_limit_within_her_quota(portal: Portal) -> None:
    quotas.set_quota(portal.database, "user", "alice", Quota(runtime_limit=3600), "olga")
    html = await shown(portal, "zapps/small")
    assert Document(html).inputs["runtime_limit"]["max"] == "60"
    assert "Your quota is at most 1 h." in html
    answer = await send(portal, "zapps/small", name="x", runtime_limit="61")
    assert answer.status_code == 422
    assert Document(answer.text).inputs["runtime_limit"]["aria-invalid"] == "true"
    await send(portal, "zapps/small", name="x", runtime_limit="1.5")
    (record,) = stored(portal)
    assert record.changes == {"runtime_limit": 90}


async def test_rest_takes_a_runtime_limit_and_tells_orders_apart_by_it(portal: Portal) -> None:
    key = {"Idempotency-Key": "once"}
    body = {"zapp": "small", "runtime_limit": 60}
    first = await portal.request("POST", "/executions", headers=key, json=body)
    assert (first.status_code, first.json()["runtime_limit"]) == (201, 60)
    again = await portal.request("POST", "/executions", headers=key, json=body)
    assert again.json()["id"] == first.json()["id"]
    other = {**body, "runtime_limit": 61}
    refused = await portal.request("POST", "/executions", headers=key, json=other)
    assert (refused.status_code, refused.json()["field"]) == (422, "Idempotency-Key")


async def test_a_runtime_limit_beyond_the_quota_is_refused_by_its_name(portal: Portal) -> None:
    quotas.set_quota(portal.database, "user", "alice", Quota(runtime_limit=30), "olga")
    body = {"zapp": "small", "runtime_limit": 31}
    answer = await portal.request("POST", "/executions", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "runtime_limit")


async def test_the_estimate_says_what_it_would_reserve(portal: Portal) -> None:
    answer = await as_power(portal, "zapps/small/estimate", **{"memory.main": "256", "name": ""})
    assert "256 MB, 0.1 cores" in answer.text
    wrong = await as_power(portal, "zapps/small/estimate", **{"memory.main": "-"})
    assert "This would be refused. The memory of main is &#39;-&#39;" in wrong.text


# --- the search ---


async def test_a_search_works_without_scripts(portal: Portal) -> None:
    found = await shown(portal, "?q=SMALL+one")
    assert 'data-text="small small tests a small one.">' in found
    assert 'value="SMALL one"' in found
    nothing = await shown(portal, "?q=nowhere&category=Tests")
    assert 'data-text="small small tests a small one." hidden>' in nothing
    assert 'id="nothing" class="zoe-empty">' in nothing
    assert "zapps/secret" not in await shown(portal, "?q=secret")


async def test_what_is_searched_for_is_text(portal: Portal) -> None:
    assert '"><script>' not in await shown(portal, '?q="><script>alert(1)</script>')


# --- own descriptions ---


async def test_only_who_may_launch_her_own_gets_there(portal: Portal) -> None:
    assert 'href="/services/zoe/launch"' not in await shown(portal, "")
    assert (await page(portal, "launch")).status_code == 403
    assert (await send(portal, "launch", description=own())).status_code == 403
    assert (await send(portal, "launch/check", description=own())).status_code == 403
    assert 'href="/services/zoe/launch"' in (await as_power(portal, "")).text


async def test_an_own_description_is_launched_once_and_again(portal: Portal) -> None:
    form = {"description": own(), "name": "my own", "key": "once"}
    answers = [await as_power(portal, "launch", **form) for _ in range(2)]
    (record,) = stored(portal)
    assert {each.headers["Location"] for each in answers} == {
        f"/services/zoe/executions/{record.id}"
    }
    assert (record.name, record.zapp) == ("my own", None)
    html = (await as_power(portal, f"executions/{record.id}")).text
    assert f"/services/zoe/launch?again={record.id}" in html
    again = (await as_power(portal, f"launch?again={record.id}")).text
    assert "&#34;command&#34;: &#34;python -V&#34;" in again
    assert 'value="my own"' in again
    others = await as_power(portal, f"launch?again={await launched(portal)}")
    assert others.status_code == 404


async def test_a_file_counts_when_there_is_one(portal: Portal) -> None:
    answer = await portal.client.post(
        "launch",
        data={"description": "", "name": "from a file"},
        files={"file": ("zapp.json", own().encode(), "application/json")},
        headers=portal.headers("olga", POWER),
    )
    assert answer.status_code == 303, answer.text
    assert [each.name for each in stored(portal)] == ["from a file"]


async def test_a_file_that_came_while_the_database_was_away_can_be_sent_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await as_power(portal, "launch")  # the login is known now
    unreachable = sa.create_engine("postgresql+psycopg2://127.0.0.1:1/nothing")
    monkeypatch.setattr(portal.database, "engine", unreachable)
    answer = await portal.client.post(
        "launch",
        data={"description": "", "name": "from a file"},
        files={"file": ("zapp.json", own().encode(), "application/json")},
        headers=portal.headers("olga", POWER),
    )
    assert answer.status_code == 503
    again = {name: each["value"] for name, each in Document(answer.text).inputs.items()}
    assert again == {"description": own(), "name": "from a file"}


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("{", "", "It is not JSON"),
        (own(image=7), "services[0].image", "is 7"),
        (own(resources={"memory": {"min": -1}}), "services[0].resources.memory.min", "is -1"),
    ],
)
async def test_what_is_wrong_stands_at_its_path(
    portal: Portal, text: str, field: str, message: str
) -> None:
    for path, status in (("launch", 422), ("launch/check", 200)):
        answer = await as_power(portal, path, description=text)
        assert answer.status_code == status
        assert message in answer.text
        assert f"<code>{field}</code>" in answer.text or not field
    checked = await as_power(portal, "launch", description=text, do="check")
    assert checked.status_code == 200
    assert message in checked.text
    assert stored(portal) == []


async def test_a_check_launches_nothing(portal: Portal) -> None:
    answer = await as_power(portal, "launch", description=own(), do="check")
    assert "It can be launched here." in answer.text
    assert stored(portal) == []


async def test_the_example_can_be_launched_and_the_schema_is_there(portal: Portal) -> None:
    add_node(portal, ["python"], {})
    assert "It can be launched here." in (await as_power(portal, "launch?example=yes")).text
    schema = await as_power(portal, "launch/schema.json")
    assert schema.json()["properties"]["services"]
