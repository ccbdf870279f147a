"""ZApps that are Jupyter servers: launched over REST, started by the Hub, with one's own token."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from tests.support.hub import NO_TLS, Hub, running_hub
from tests.support.waiting import eventually_async
from tests.zoe_hub.portal.conftest import GROUPS, Portal, running_portal
from tests.zoe_hub.portal.test_bad_input import check_problem, count_rows
from tests.zoe_hub.portal.test_executions import shrink_cluster
from zapp_gallery.loader import load_gallery
from zoe_hub import permissions
from zoe_hub.portal.servers import MAX_SERVER_NAME, name_for_key, numbered_name
from zoe_store import audit, tables
from zoe_store.audit import Deed
from zoe_store.events import has_happened, lock_events
from zoe_store.executions import by_idempotency_key, find

WITH_SERVERS = (*permissions.USER_SCOPES, "servers!user")


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Hub]:
    """A Hub of its own, because its spawner writes into this test's database."""
    spawner = {"database_url": database_url, "directory": str(tmp_path)}
    with running_hub(tmp_path, groups=GROUPS, spawner=spawner) as running:
        yield running


@pytest.fixture
async def portal(hub: Hub, database_url: str, tmp_path: Path) -> AsyncIterator[Portal]:
    """A portal with the gallery that comes with Zoe."""
    async with running_portal(hub, {}, load_gallery(), database_url, tmp_path) as running:
        yield running


async def test_a_server_is_an_execution_that_the_hub_started(portal: Portal) -> None:
    first = await portal.request(
        "POST", "/executions", scopes=WITH_SERVERS, json={"zapp": "jupyter", "name": "My Lab"}
    )
    second = await portal.request(
        "POST", "/executions", scopes=WITH_SERVERS, json={"zapp": "jupyter", "name": "My Lab"}
    )

    assert first.status_code == 201, first.text
    execution = first.json()
    assert (execution["name"], execution["zapp"]) == ("My Lab", "jupyter")
    assert (execution["user"], execution["status"]) == ("alice", "submitted")
    assert (execution["server_name"], second.json()["server_name"]) == ("my-lab", "my-lab-2")
    servers = portal.hub.api("GET", "/users/alice?include_stopped_servers")["servers"]
    assert servers["my-lab"]["pending"] == "spawn"
    assert servers["my-lab"]["user_options"]["zapp"] == "jupyter"


async def launch(portal: Portal, **body: Any) -> httpx.Response:
    """Launch a notebook with the key of all tests here."""
    return await portal.request(
        "POST",
        "/executions",
        scopes=WITH_SERVERS,
        json={"zapp": "jupyter", **body},
        headers={"Idempotency-Key": "once"},
    )


async def test_a_repeated_request_starts_one_server(portal: Portal) -> None:
    first, again = await launch(portal, name="lab"), await launch(portal, name="lab")
    await shrink_cluster(portal)
    later = await launch(portal, name="lab")

    assert (first.status_code, again.status_code, later.status_code) == (201, 200, 200)
    assert first.json()["id"] == again.json()["id"] == later.json()["id"]
    assert len((await portal.get("/executions")).json()["items"]) == 1


async def test_the_key_is_stored_with_the_server_and_not_kept_by_the_hub(portal: Portal) -> None:
    stored = (await launch(portal)).json()
    again = await launch(portal)

    assert (again.status_code, again.json()["id"]) == (200, stored["id"])
    found = by_idempotency_key(portal.context.database, "alice", "once")
    assert found is not None
    assert found[0].id == stored["id"]
    servers = portal.hub.api("GET", "/users/alice?include_stopped_servers")["servers"]
    name = stored["server_name"]
    assert (stored["name"], servers[name]["pending"]) == ("jupyter", "spawn")
    # A later start of that server, from the Hub's pages, is a request of its own.
    portal.hub.api("DELETE", f"/users/alice/servers/{name}")
    with portal.context.database.transaction() as connection:
        connection.execute(update(tables.executions).values(status="terminated"))
    await eventually_async(lambda: may_start(portal, name))
    await eventually_async(lambda: len(stored_in(portal)) == 2)


async def test_a_server_that_is_stopped_while_it_is_stored_is_ended(portal: Portal) -> None:
    hub, database = portal.hub, portal.context.database
    with database.transaction() as connection:
        lock_events(connection)  # nobody can store anything
        hub.api("POST", "/users/alice/servers/lab", json={"user_options": {"zapp": "jupyter"}})
        hub.api("DELETE", "/users/alice/servers/lab")
        assert stored_in(portal) == []
    await eventually_async(lambda: len(stored_in(portal)) == 1)
    [stored] = stored_in(portal)
    await eventually_async(lambda: has_happened(database, stored, "terminate_requested"))


def stored_in(portal: Portal) -> list[int]:
    """All executions."""
    return [each.id for each in find(portal.context.database)]


def may_start(portal: Portal, name: str) -> bool:
    """Start it as the Hub's pages do, with the options that it has kept."""
    headers = {"Authorization": f"token {portal.hub.admin_token}"}
    address = f"{portal.hub.api_url}/users/alice/servers/{name}"
    return httpx.post(address, headers=headers, timeout=30).status_code in (201, 202)


async def test_another_request_with_the_same_key_is_refused(portal: Portal) -> None:
    first = (await launch(portal, name="lab")).json()
    for body in ({"name": "other"}, {}):
        problem = check_problem(await launch(portal, **body), 422)
        assert (problem["field"], stored_in(portal)) == ("Idempotency-Key", [first["id"]])
        assert f"execution {first['id']}" in problem["detail"]


async def test_the_same_request_twice_at_once_starts_one_server(portal: Portal) -> None:
    answers = await asyncio.gather(*(launch(portal, name="lab") for _ in range(3)))

    assert {each.status_code for each in answers} <= {200, 201}
    assert {each.json()["id"] for each in answers} == set(stored_in(portal))


async def test_a_token_that_may_not_start_servers_is_refused(portal: Portal) -> None:
    answer = await portal.request("POST", "/executions", json={"zapp": "jupyter"})

    assert "servers!user" in check_problem(answer, 403)["detail"]
    assert count_rows(portal) == 0


async def test_a_hub_that_is_away_starts_nothing(portal: Portal) -> None:
    portal.context.servers.hub.api_url = "http://127.0.0.1:1/hub/api"

    answer = await portal.request(
        "POST", "/executions", scopes=WITH_SERVERS, json={"zapp": "jupyter"}
    )

    check_problem(answer, 503)
    assert count_rows(portal) == 0


async def started_at_the_hub(
    portal: Portal, headers: dict[str, str] | None = None, **options: Any
) -> httpx.Response:
    """What "Start My Server" of the Hub does, with a token of alice unless there is another."""
    headers = headers or portal.headers("alice", WITH_SERVERS)
    url = f"{portal.hub.api_url}/users/alice/servers/lab"
    async with httpx.AsyncClient(verify=NO_TLS, timeout=30) as client:
        return await client.post(url, json={"user_options": options}, headers=headers)


async def test_a_server_that_the_hub_starts_is_in_the_audit_log(portal: Portal) -> None:
    answer = await started_at_the_hub(portal, zapp="jupyter")
    assert answer.status_code in (201, 202)
    (deed,) = await eventually_async(lambda: recorded(portal))
    (number,) = stored_in(portal)
    assert (deed.actor, deed.actor_kind, deed.action) == ("alice", "user", "startServer")
    assert (deed.target, deed.outcome) == (f"executions/{number}", "done")
    assert deed.detail == {"user": "alice", "server": "lab", "zapp": "jupyter"}


async def test_a_server_that_the_hub_does_not_start_is_in_the_audit_log(portal: Portal) -> None:
    await started_at_the_hub(portal, zapp="no\0such" + "x" * 1000)
    (deed,) = await eventually_async(lambda: recorded(portal))
    assert (deed.actor, deed.action) == ("alice", "startServer")
    assert (deed.target, deed.outcome) == ("servers/alice/lab", "refused")
    assert "the gallery has" in deed.detail["why"]


async def test_a_server_of_the_portal_is_told_as_launch_and_as_start(portal: Portal) -> None:
    number = (await launch(portal)).json()["id"]
    await eventually_async(lambda: len(recorded(portal)) == 2)
    assert {(each.action, each.target) for each in recorded(portal)} == {
        ("launch", f"executions/{number}"),
        ("startServer", f"executions/{number}"),
    }


async def test_a_server_that_the_portal_launches_again_is_nobodys_deed(portal: Portal) -> None:
    service = {"Authorization": f"token {portal.hub.service_token}"}
    answer = await started_at_the_hub(portal, service, execution_id=42)
    assert answer.status_code == 409, answer.text
    # Nobody else gets past the log by naming an execution.
    answer = await started_at_the_hub(portal, execution_id=42)
    assert answer.status_code == 409, answer.text
    (deed,) = await eventually_async(lambda: recorded(portal))
    assert (deed.actor, deed.outcome) == ("alice", "refused")


def recorded(portal: Portal) -> list[Deed]:
    """The audit log."""
    return [each.deed for each in audit.find(portal.context.database)]


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("lab", 1, "lab"),
        ("My Lab (2)", 1, "my-lab-2"),
        ("lab", 3, "lab-3"),
        ("2nd try", 1, "nd-try"),
        ("42", 1, "server"),
        ("实验", 2, "server-2"),
        ("x" * 100, 12, "x" * 27 + "-12"),
        ("a" * 28 + " b", 1, "a" * 28 + "-b"),
        ("a" * 29 + " b", 1, "a" * 29),
    ],
)
def test_the_name_of_a_server_is_made_from_the_name_of_the_execution(
    name: str, number: int, expected: str
) -> None:
    assert numbered_name(name, number) == expected
    assert len(expected) <= MAX_SERVER_NAME


def test_a_key_gives_one_name_and_another_key_another() -> None:
    assert name_for_key("lab", "a") == name_for_key("lab", "a") != name_for_key("lab", "b")
    assert len(name_for_key("x" * 100, "a")) == MAX_SERVER_NAME
