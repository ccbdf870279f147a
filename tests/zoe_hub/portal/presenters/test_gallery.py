"""What keeps a ZApp from being launched here, and what it reserves."""

from typing import Any

import pytest

from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_core.zapp import SiteDefaults, ZApp, parse_zapp
from zoe_hub.portal.presenters.gallery import Card, Need, Wanted, missing, needs

JAVA = "Java 17 is missing: install it."
GB = 2**30


def zapp(*services: dict[str, Any]) -> ZApp:
    common = {"image": "spark", "monitor": True, "total_count": 1, "essential_count": 1}
    described = [{"name": f"s{number}", **common, **each} for number, each in enumerate(services)]
    return parse_zapp({"name": "z", "version": 4, "services": described}).zapp


def node(name: str = "a", images: set[str] | None = None, **why: str) -> Node:
    offered = None if images is None else frozenset(images)
    return Node(name, Amount(), images=offered, missing_images=why)


def test_what_is_missing_is_said_once_in_the_nodes_words() -> None:
    nodes = [node("a", set(), spark=JAVA), node("b", set(), spark=JAVA)]
    assert missing(zapp({}, {}), nodes) == (JAVA,)


def test_one_node_that_can_start_it_is_enough() -> None:
    assert missing(zapp({}), [node("a", set(), spark=JAVA), node("b", {"spark"})]) == ()
    assert missing(zapp({}), [node("a", None)]) == ()


def test_an_image_that_no_node_knows_is_named() -> None:
    assert missing(zapp({}), [node("a", {"mpi"})]) == ("No node offers the image spark.",)


def test_elastic_services_may_be_missing() -> None:
    assert missing(zapp({"image": "mpi"}, {"essential_count": 0}), [node("a", {"mpi"})]) == ()


def test_without_nodes_nothing_is_known() -> None:
    assert missing(zapp({}), []) == ()


def test_needs_count_essential_and_elastic_instances() -> None:
    small = {"resources": {"memory": {"min": GB}, "cores": {"min": 1}}}
    described = zapp(
        small,
        {**small, "total_count": 3},
        {**small, "total_count": 2, "essential_count": 0},
    )
    assert needs(described, SiteDefaults()) == [
        Need("s0", "1", "1 GB, 1 core"),
        Need("s1", "1 to 3", "1 GB, 1 core"),
        Need("s2", "up to 2", "1 GB, 1 core"),
    ]


@pytest.mark.parametrize(
    ("text", "category", "found"),
    [
        ("", "", True),
        ("SPARK job", "", True),
        ("spark mpi", "", False),
        ("one-slug", "", True),
        ("", "Big data", True),
        ("spark", "Other", False),
    ],
)
def test_a_search_wants_all_its_words_in_its_category(
    text: str, category: str, found: bool
) -> None:
    shown = Card("one-slug", "", "", "", "", False, text="spark job one-slug runs a program")
    assert Wanted.of(text, category).has(shown, "Big data") is found
