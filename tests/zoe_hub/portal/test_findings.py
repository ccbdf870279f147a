"""What an administrator should know of: put together from what was read, and over REST."""

from dataclasses import replace
from typing import Any

from tests.support.builders import START, node
from tests.zoe_hub.portal.conftest import Portal
from zoe_core.cluster import Capabilities, InstanceId, Observed
from zoe_core.protocol import Examined, Oddity
from zoe_core.protocol.rest_admin import Findings
from zoe_core.zapp import SiteDefaults
from zoe_hub.portal.findings import Facts, findings_of, images_of
from zoe_store.cluster import MasterRecord, Stranger
from zoe_store.drains import Drain
from zoe_store.tables import strangers

ADMIN = ("access:services!service=zoe", "custom:zoe:admin")
MASTER = MasterRecord(
    "uuid", 3, "a", "b", "c", "docker", Capabilities(), SiteDefaults(), START, away_for=0.4
)
FACTS = Facts(
    master=MASTER,
    nodes=[node("big", local_images=frozenset({"zoe/spark"}))],
    drains={},
    strangers=[],
    images={"zoe/spark": ["spark-job"]},
    examined=Examined(oddities=(), nodes=1),
)
ODDITY = Oddity(
    what="container x",
    node="big",
    why="Nobody knows it.",
    serious=True,
    remedy="docker rm x",
    instance=(77, "main-0", 1),
)
STRANGER = Stranger(InstanceId(77, "main", 0), "big", Observed.RUNNING, "Unknown.", START)


def told(**changes: Any) -> Findings:
    return findings_of(replace(FACTS, **changes))


def test_all_is_well() -> None:
    assert told().items == ()
    assert told().well == (
        "The database answers.",
        "The scheduler acts: epoch 3, last seen 0 s ago.",
        "1 of 1 nodes answer.",
        "Nodes have all 1 images of the gallery.",
    )


def test_a_scheduler_that_is_away() -> None:
    away = replace(MASTER, away_for=90.0)
    found = told(master=away, examined=None, silence="it has not answered in time")
    scheduler, nodes = found.items
    assert (scheduler.what, scheduler.since, scheduler.serious) == ("scheduler", START, True)
    assert "away since 2026-11-02" in scheduler.why
    assert "it has not answered in time" in nodes.why


def test_what_was_last_known_is_told_when_the_nodes_cannot_be_asked() -> None:
    nodes = [node("gone", online=False)]
    found = told(nodes=nodes, images={}, strangers=[STRANGER], examined=None, silence="it is away")
    assert [each.what for each in found.items] == ["nodes", "node gone", f"instance {STRANGER.id}"]


def test_a_stranger_is_told_once_as_the_node_tells_it() -> None:
    (found,) = told(strangers=[STRANGER], examined=Examined(oddities=(ODDITY,), nodes=1)).items
    assert (found.what, found.remedy) == ("container x", "docker rm x")


def test_an_image_that_no_node_has() -> None:
    (found,) = told(images=images_of({"pi": {"zoe/mpi"}, "ring": {"zoe/mpi"}})).items
    assert (found.what, found.serious) == ("image zoe/mpi", True)
    assert "pi, ring cannot start" in found.why


def test_drained_nodes_are_notes() -> None:
    drains = {"big": Drain("olga", START), "old": Drain("olga", START)}
    found = told(nodes=[*FACTS.nodes, node("small", draining=True)], drains=drains)
    assert [(each.node, each.serious) for each in found.items] == [
        ("big", False),
        ("old", False),
        ("small", False),
    ]
    assert found.items[0].remedy == "zoe-admin undrain big"
    assert "There is no such node" in found.items[1].why


def test_the_serious_comes_first() -> None:
    found = told(drains={"big": Drain("olga", START)}, images={"zoe/mpi": ["pi"]})
    assert [each.serious for each in found.items] == [True, False]


async def test_the_administrator_may_ask_also_without_a_master(portal: Portal) -> None:
    row = {"execution_id": 77, "service": "main", "index": 0, "attempt": 1, "node": "node-0"}
    more = {"observed": "running", "why": "Unknown.", "first_seen_at": START}
    with portal.database.transaction() as connection:
        connection.execute(strangers.insert().values(row | more))

    answer = await portal.get("/findings", "olga", scopes=ADMIN)

    assert answer.status_code == 200, answer.text
    found = {each.what: each for each in Findings.model_validate_json(answer.content).items}
    assert found["scheduler"].serious
    assert found["instance 77/main-0#1"].since == START


async def test_nobody_else_may(portal: Portal) -> None:
    answer = await portal.get("/findings", "bob")

    assert answer.status_code == 403
