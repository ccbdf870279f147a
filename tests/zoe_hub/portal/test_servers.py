"""ZApps that are Jupyter servers: launched over REST, started by the Hub, with one's own token."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.hub import Hub, running_hub
from tests.zoe_hub.portal.conftest import GROUPS, Portal, running_portal
from tests.zoe_hub.portal.test_bad_input import check_problem, count_rows
from tests.zoe_hub.portal.test_executions import shrink_cluster
from zapp_gallery.loader import load_gallery
from zoe_hub import permissions
from zoe_hub.portal.servers import MAX_SERVER_NAME, name_for_key, numbered_name

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


async def test_a_repeated_request_starts_one_server(portal: Portal) -> None:
    async def launch(name: str) -> tuple[int, dict]:
        answer = await portal.request(
            "POST",
            "/executions",
            scopes=WITH_SERVERS,
            json={"zapp": "jupyter", "name": name},
            headers={"Idempotency-Key": "once"},
        )
        return answer.status_code, answer.json()

    first, again = await launch("lab"), await launch("lab")
    shrink_cluster(portal)
    later = await launch("lab")

    assert (first[0], again[0], later[0]) == (201, 200, 200)
    assert first[1]["id"] == again[1]["id"] == later[1]["id"]
    assert len((await portal.get("/executions")).json()["items"]) == 1


async def test_a_token_that_may_not_start_servers_is_refused(portal: Portal) -> None:
    answer = await portal.request("POST", "/executions", json={"zapp": "jupyter"})

    assert "servers!user" in check_problem(answer, 403)["detail"]
    assert count_rows(portal) == 0


async def test_a_hub_that_is_away_starts_nothing(portal: Portal) -> None:
    portal.context.servers.api_url = "http://127.0.0.1:1/hub/api"

    answer = await portal.request(
        "POST", "/executions", scopes=WITH_SERVERS, json={"zapp": "jupyter"}
    )

    check_problem(answer, 503)
    assert count_rows(portal) == 0


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
