"""Tabs, bars, nodes, users and findings as the administration shows them."""

from datetime import UTC, datetime
from typing import Any

from zoe_core.amount import Amount
from zoe_core.cluster import InstanceId, Observed, Quota, Quotas
from zoe_core.protocol.rest import Resources
from zoe_core.protocol.rest_admin import Finding
from zoe_core.protocol.rest_platform import Node, NodeUse
from zoe_hub.portal.api.users import documents
from zoe_hub.portal.presenters import admin_nodes, admin_users, admin_warnings
from zoe_hub.portal.presenters.admin import bar, tabs
from zoe_store.cluster import Stranger
from zoe_store.drains import Drain
from zoe_store.users import UserRecord

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
GB = 2**30


def shown(**who: bool) -> list[str]:
    nobody = {"administers": False, "operates": False, "sees_queue": True, "hub_admin": False}
    return [each.key for each in tabs("/zoe/", "/", **(nobody | who))]


def test_everybody_has_the_tabs_that_she_may_open() -> None:
    assert shown() == []
    assert shown(operates=True) == ["queue", "executions"]
    ours = ["queue", "executions", "nodes", "users", "usage", "warnings", "audit"]
    assert shown(operates=True, administers=True) == ours
    assert shown(operates=True, administers=True, hub_admin=True) == [*ours, "accounts"]


def test_a_bar_says_how_much_of_what() -> None:
    assert bar("Memory", 3 * GB, 4 * GB, memory=True).text == "3 GB of 4 GB"
    assert bar("Cores", 1.5, 6).share == 25
    assert (bar("Cores", 9, 6).share, bar("Cores", 9, 6).full) == (100, True)
    assert bar("GPUs", 0, 0).full
    assert (bar("Cores", 2, None).text, bar("Cores", 2, None).share) == ("2, no limit", None)


def node(name: str, **fields: Any) -> Node:
    usual: dict[str, Any] = {
        "online": True,
        "draining": False,
        "labels": (),
        "capacity": Resources(memory=16 * GB, cores=8),
        "reserved": Resources(memory=4 * GB, cores=2),
    }
    return Node(name=name, **(usual | fields))


def test_a_node_shows_its_state_and_who_drained_it() -> None:
    mine = Drain("olga", NOW)
    odd = Stranger(InstanceId(7, "main", 0, 1), "a/b", Observed.RUNNING, "Unknown.", NOW)
    nodes = [
        node("a/b", draining=True, pressured=True, missing_images={"x": "Java is missing."}),
        node("c", draining=True, online=False),
        node("d"),
    ]

    first, second, third = admin_nodes.cards(nodes, {"a/b": mine, "gone": mine}, [odd], NOW)

    assert [each.text for each in first.badges] == ["Online", "Draining", "Short of memory"]
    assert (first.path, first.drained_by, first.may_use, first.may_drain) == (
        "a%2Fb",
        "olga",
        True,
        False,
    )
    assert first.missing == (("x", "Java is missing."),)
    assert [each.name for each in first.strangers] == ["7/main-0#1"]
    assert [each.text for each in second.badges] == ["Offline", "Draining"]
    assert (second.may_use, second.may_drain, second.drained_by) == (False, False, "")
    assert (third.may_drain, [each.label for each in third.bars]) == (True, ["Memory", "Cores"])
    (gone,) = admin_nodes.gone(nodes, {"a/b": mine, "gone": mine}, NOW)
    assert (gone.name, gone.by) == ("gone", "olga")


def test_nodes_that_are_online_are_added_up() -> None:
    assert admin_nodes.summary([node("a")]) == ()
    memory, cores = admin_nodes.summary([node("a"), node("b"), node("c", online=False)])
    assert (memory.text, cores.text) == ("Reserved 8 GB of 32 GB", "Reserved 4 of 16")


def test_what_is_used_stands_beside_what_is_reserved() -> None:
    measured = node("a", used=NodeUse(memory=GB, cores=12.25))
    (card,) = admin_nodes.cards([measured], {}, [], NOW)
    memory, cores = card.bars
    assert (memory.text, memory.share, memory.used) == (
        "Reserved 4 GB of 16 GB, 1 GB used",
        25,
        6.2,
    )
    assert (cores.text, cores.used) == ("Reserved 2 of 8, 12.25 used", 100)
    memory, cores = admin_nodes.summary([measured, measured, node("off", online=False)])
    assert (memory.text, cores.used) == ("Reserved 8 GB of 32 GB, 2 GB used", 100)
    together = admin_nodes.summary([measured, node("b")])
    assert [each.used for each in together] == [None, None], "of one of them it is not known"


def test_who_holds_most_of_her_quota_comes_first() -> None:
    quotas = Quotas(
        users={"zoe": Quota(executions=1), "new": Quota(memory=GB)},
        groups={"lab": Quota(millicores=4000)},
        default=Quota(executions=10),
    )
    known = [
        UserRecord("ada", ("lab",), NOW, 1, 2, Amount(GB, 1000)),
        UserRecord("zoe", (), NOW, 1, 0, Amount(GB, 1000)),
    ]

    users = documents(known, quotas)

    assert [each.name for each in users] == ["ada", "new", "zoe"]
    assert (users[0].quota.cores, users[0].quota.executions, users[0].own_quota) == (4, 10, False)
    assert users[2].quota.weight == 1
    first, second, third = admin_users.rows(users, "/zoe/", NOW)
    assert [first.name, second.name, third.name] == ["zoe", "ada", "new"]
    assert [each.text for each in second.bars] == ["1 of 10", "1 GB, no limit", "1 of 4"]
    assert third.last is None
    assert [each.name for each in admin_users.matching(users, "LAB")] == ["ada"]


def test_what_to_type_is_told_apart_from_what_to_do() -> None:
    found = [
        Finding(what="node a", node="a", why="Why.", serious=False, remedy="zoe-admin undrain a"),
        Finding(what="image x", node=None, why="Why.", serious=True, remedy="make images, or load"),
        Finding(what="nothing", node=None, why="Why.", serious=True),
    ]
    typed, done, neither = admin_warnings.rows(found, NOW)
    assert (typed.what, typed.command, typed.remedy) == ("Node a", "zoe-admin undrain a", "")
    assert (done.command, done.remedy) == ("", "Make images, or load.")
    assert (neither.command, neither.remedy) == ("", "")
    assert [each.badge.text for each in (typed, done)] == ["Good to know", "Look into it"]
