"""Nodes over REST: all that is known of them, and draining one."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.test_bad_input import check_problem
from tests.zoe_hub.portal.test_quotas import ADMIN
from zoe_core.protocol import NodeUse
from zoe_core.protocol.rest_admin import Drains
from zoe_core.protocol.rest_platform import Cluster, Node
from zoe_hub.link import MasterAway
from zoe_hub.portal import cluster_view
from zoe_store.tables import drains, nodes


@pytest.fixture(autouse=True)
def two_nodes(portal: Portal) -> None:
    """As the master would have stored them: one has GPUs and is short of memory."""
    plain = {
        "memory": 2**34,
        "millicores": 4000,
        "gpus": 0,
        "labels": [],
        "online": True,
        "draining": False,
        "missing_images": {},
        "devices": [],
        "pressured": False,
    }
    special = {"gpus": 2, "devices": ["gpu-a", "gpu-b"], "labels": ["fast"], "pressured": True}
    with portal.database.transaction() as connection:
        for name, fields in (("node-1", plain), ("node-2", plain | special)):
            connection.execute(nodes.insert().values(name=name, seen_at=func.now(), **fields))


async def patch(portal: Portal, name: str, **body: Any) -> Any:
    return await portal.request("PATCH", f"/nodes/{name}", "olga", scopes=ADMIN, json=body)


async def test_all_that_is_known_of_a_node_is_shown(portal: Portal) -> None:
    answer = await portal.get("/cluster")
    first, second = [Node.model_validate(each) for each in answer.json()["items"]]
    assert (first.devices, first.pressured, first.labels) == ((), False, ())
    assert (second.devices, second.pressured, second.labels) == (
        ("gpu-a", "gpu-b"),
        True,
        ("fast",),
    )
    assert (second.capacity.gpus, second.reserved.memory) == (2, 0)


async def test_what_nodes_use_is_shown_while_somebody_knows_it(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def nodes_use() -> tuple[NodeUse, ...]:
        nonlocal asked
        asked += 1
        return (NodeUse(node="node-2", memory=3 * 2**30 + 1, cores=1.2345),)

    assert await used(portal) == [None, None], "there is no scheduler"
    monkeypatch.setattr(portal.context.link, "nodes_use", nodes_use)
    monkeypatch.setattr(cluster_view, "BELIEVED", 0.0)
    assert await used(portal) == [None, {"memory": 3 * 2**30, "cores": 1.23}]
    page = (await portal.client.get("admin/nodes", headers=portal.headers("olga", ADMIN))).text
    assert "Reserved 0 of 16 GB, 3 GB used" in page
    monkeypatch.setattr(cluster_view, "BELIEVED", 60.0)
    asked = 0
    await asyncio.gather(*[used(portal) for _ in range(5)])
    assert asked == 0


async def test_nobody_waits_for_a_scheduler_that_hangs(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = asyncio.Event()

    async def nodes_use() -> tuple[NodeUse, ...]:
        await answered.wait()
        return ()

    monkeypatch.setattr(portal.context.link, "nodes_use", nodes_use)
    monkeypatch.setattr(cluster_view, "PATIENCE", 0.05)
    async with asyncio.timeout(30):
        assert await used(portal) == [None, None]
    answered.set()


async def test_what_was_used_is_shown_on_while_the_scheduler_is_busy(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"memory": 2**30, "cores": 0.5}
    quick, answered = True, asyncio.Event()

    async def nodes_use() -> tuple[NodeUse, ...]:
        if not quick:
            await answered.wait()
            raise MasterAway("It is away.")
        return (NodeUse(node="node-1", memory=2**30, cores=0.5),)

    monkeypatch.setattr(portal.context.link, "nodes_use", nodes_use)
    monkeypatch.setattr(cluster_view, "BELIEVED", 0.0)
    monkeypatch.setattr(cluster_view, "STILL_GOOD", 600.0)
    assert await used(portal) == [known, None]
    quick = False
    monkeypatch.setattr(cluster_view, "PATIENCE", 0.05)
    for _ in range(2):
        assert await used(portal) == [known, None]
    with monkeypatch.context() as later:
        later.setattr(cluster_view, "STILL_GOOD", 0.0)
        assert await used(portal) == [None, None], "it is too old by now"
    assert await used(portal) == [known, None]
    answered.set()
    monkeypatch.setattr(cluster_view, "PATIENCE", 30.0)
    assert await used(portal) == [None, None], "the scheduler says that it is away"


async def used(portal: Portal) -> list[Any]:
    return [each["used"] for each in (await portal.get("/cluster")).json()["items"]]


async def test_who_administers_sees_and_follows_what_the_page_shows(portal: Portal) -> None:
    answer = await portal.get("/cluster", "olga", scopes=ADMIN)
    assert len(Cluster.model_validate_json(answer.content).items) == 2
    headers = portal.headers("olga", ADMIN)
    async with portal.client.stream("GET", "api/v1/cluster/events", headers=headers) as told:
        assert told.status_code == 200
    barely = ("access:services!service=zoe", "custom:zoe:launch")
    check_problem(await portal.get("/cluster", scopes=barely), 403)


async def test_a_node_is_drained_and_used_again(portal: Portal) -> None:
    for draining in (True, True, False, False):
        answer = await patch(portal, "node-1", draining=draining)
        assert answer.status_code == 200, answer.text
        assert Node.model_validate_json(answer.content).draining is draining
        items = (await portal.get("/cluster")).json()["items"]
        assert [each["draining"] for each in items] == [draining, False]


async def test_who_drained_it_is_known(portal: Portal) -> None:
    await patch(portal, "node-1", draining=True)
    with portal.database.transaction() as connection:
        assert connection.execute(select(drains.c.node, drains.c.by_user)).all() == [
            ("node-1", "olga")
        ]


async def test_an_unknown_node_is_answered_with_the_known_ones(portal: Portal) -> None:
    problem = check_problem(await patch(portal, "node-9", draining=True), 404)
    assert problem["field"] == "name"
    assert "'node-9': the known ones are node-1, node-2" in problem["detail"]


async def drained(portal: Portal) -> list[tuple[str, bool, str]]:
    answer = await portal.get("/drains", "olga", scopes=ADMIN)
    items = Drains.model_validate_json(answer.content).items
    return [(each.node, each.known, each.by_user) for each in items]


async def test_the_drain_of_a_node_that_is_gone_is_listed_and_can_be_removed(
    portal: Portal,
) -> None:
    for name in ("node-1", "node-2"):
        await patch(portal, name, draining=True)
    with portal.database.transaction() as connection:
        connection.execute(nodes.delete().where(nodes.c.name == "node-1"))
    assert await drained(portal) == [("node-1", False, "olga"), ("node-2", True, "olga")]
    problem = check_problem(await patch(portal, "node-1", draining=False), 404)
    assert "/drains" in problem["detail"]

    for name in ("node-1", "node-2"):
        gone = await portal.request("DELETE", f"/drains/{name}", "olga", scopes=ADMIN)
        assert (gone.status_code, gone.content) == (204, b"")

    assert await drained(portal) == []
    again = await portal.request("DELETE", "/drains/node-1", "olga", scopes=ADMIN)
    assert "Nobody drains the node 'node-1'" in check_problem(again, 404)["detail"]


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({}, "draining", "missing"),
        ({"draining": "yes"}, "draining", "'yes'"),
        ({"draining": 1}, "draining", "1"),
        ({"draining": None}, "draining", "null"),
        ({"draining": True, "online": False}, "online", "the fields are draining"),
    ],
)
async def test_a_bad_wish_is_refused(
    portal: Portal, body: dict[str, Any], field: str, said: str
) -> None:
    problem = check_problem(await patch(portal, "node-1", **body), 422)
    assert problem["field"] == field
    assert said in problem["detail"]
    with portal.database.transaction() as connection:
        assert connection.scalar(select(func.count()).select_from(drains)) == 0


async def test_nodes_are_followed(portal: Portal) -> None:
    headers = portal.headers("alice")
    async with portal.client.stream("GET", "api/v1/cluster/events", headers=headers) as stream:
        lines = stream.aiter_lines()

        async def draining() -> list[bool]:
            async for line in lines:
                if line.startswith("data: "):
                    cluster = Cluster.model_validate_json(line.removeprefix("data: "))
                    return [each.draining for each in cluster.items]
            raise AssertionError("the stream has ended")

        assert await draining() == [False, False]
        await patch(portal, "node-2", draining=True)
        assert await draining() == [False, True]


async def test_who_may_not_see_the_cluster_does_not_follow_it(portal: Portal) -> None:
    access = ("access:services!service=zoe",)
    check_problem(await portal.get("/cluster/events", scopes=access), 403)
