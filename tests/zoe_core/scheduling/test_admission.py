"""Refusals at submission: each says what is wrong with the numbers."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.builders import (
    DEFAULTS,
    GB,
    START,
    execution,
    node,
    service,
    snapshot,
    worker,
    zapp,
)
from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_core.scheduling import Placement, SchedulingSettings, could_ever_fit, decide
from zoe_core.scheduling.placement import BestFit, Pack, Spread
from zoe_core.zapp import ZApp


def problems(description: ZApp, *nodes: Node) -> list[tuple[str, str]]:
    return [(each.field, each.message) for each in could_ever_fit(description, nodes, DEFAULTS)]


def test_what_fits_is_not_refused() -> None:
    assert problems(zapp(service(memory=8, cores=8)), node()) == []


def test_no_nodes_known_yet_no_objection() -> None:
    assert problems(zapp(service(memory=99))) == []


def test_nodes_that_may_come_back_count() -> None:
    away = [node("node-0", online=False), node("node-1", draining=True)]
    assert problems(zapp(service(memory=8), worker(memory=8)), *away) == []


def test_an_instance_larger_than_any_node() -> None:
    wanted = zapp(service(), worker(memory=9))
    assert problems(wanted, node(memory=4, cores=16), node("node-1")) == [
        (
            "services[1].resources",
            "worker needs 9 GB, 1 core for each instance; the largest node, node-1, has "
            "8 GB, 8 cores",
        )
    ]


def test_an_image_that_no_node_can_start() -> None:
    wanted = zapp(service(image="spark"))
    nodes = [node(images=frozenset({"b", "a"})), node("node-1", images=frozenset())]
    assert problems(wanted, *nodes) == [
        ("services[0].image", "is 'spark': no node can start it; known are a, b")
    ]
    assert problems(wanted, node(images=frozenset())) == [
        ("services[0].image", "is 'spark': no node can start it; known are none")
    ]


def test_an_image_that_misses_something_says_what() -> None:
    lacking = node(images=frozenset(), missing_images={"spark": "Install Java 17 or newer."})
    assert problems(zapp(service(image="spark")), lacking) == [
        ("services[0].image", "Install Java 17 or newer.")
    ]


def test_only_nodes_with_the_image_count() -> None:
    nodes = [node(memory=16, images=frozenset()), node("node-1", 2, 2, images=frozenset({"test"}))]
    ((field, message),) = problems(zapp(service(memory=4)), *nodes)
    assert field == "services[0].resources"
    assert "node-1, has 2 GB" in message


def test_a_label_that_no_node_has() -> None:
    wanted = zapp(service(), worker(labels=["gpu-a100"]), worker(name="w2", labels=["b", "c", "a"]))
    nodes = [node(labels=frozenset({"a"})), node("node-1", labels=frozenset({"d"}))]
    assert problems(wanted, *nodes) == [
        ("services[1].labels", "no node has the label gpu-a100"),
        ("services[2].labels", "no node has the labels b, c"),
    ]


def test_labels_that_no_node_has_together() -> None:
    wanted = zapp(service(labels=["b", "a"]))
    nodes = [node(labels=frozenset({"a"})), node("node-1", labels=frozenset({"b"}))]
    assert problems(wanted, *nodes) == [("services[0].labels", "no node has the labels a, b")]


def test_a_label_counts_only_where_the_image_is() -> None:
    labelled = node(labels=frozenset({"ssd"}), images=frozenset())
    assert problems(zapp(service(labels=["ssd"])), labelled, node("node-1")) == [
        ("services[0].labels", "no node that can start 'test' has the label ssd")
    ]


def test_only_nodes_with_the_labels_count() -> None:
    wanted = zapp(service(memory=4, labels=["ssd"]))
    assert problems(wanted, node(), node("node-1", 2, 2, labels=frozenset({"ssd"}))) == [
        (
            "services[0].resources",
            "main needs 4 GB, 1 core for each instance; the largest node with ssd, node-1, has "
            "2 GB, 2 cores",
        )
    ]


def test_more_gpus_than_any_node_has() -> None:
    wanted = zapp(service(resources={"memory": {"min": GB}, "cores": {"min": 1}, "gpus": 2}))
    one = replace(node("node-1"), capacity=Amount(2 * GB, 1000, 1), devices=("a",))
    assert problems(wanted, node(), one) == [
        (
            "services[0].resources",
            "main needs 1 GB, 1 core, 2 GPUs for each instance; the largest node, node-1, has "
            "2 GB, 1 core, 1 GPU",
        )
    ]


def test_a_gang_larger_than_all_nodes_together() -> None:
    wanted = zapp(service(), worker(essential=4, memory=4))
    assert problems(wanted, node(), node("node-1")) == [
        (
            "services",
            "the 5 essential instances need 17 GB, 5 cores at once; the nodes (2) have "
            "16 GB, 16 cores in all",
        )
    ]


def test_a_gang_that_fits_only_in_sum_is_refused_with_the_same_numbers() -> None:
    wanted = zapp(service(essential=3, memory=5))
    ((field, message),) = problems(wanted, node(), node("node-1"))
    assert field == "services"
    assert "need 15 GB" in message


@pytest.mark.parametrize(
    ("placement", "nodes", "gang"),
    [
        (
            Spread(),
            [node(memory=5, cores=4), node("node-1", memory=4, cores=6)],
            [service(memory=4, cores=2), worker(essential=3, memory=1, cores=2)],
        ),
        (
            Pack(),
            [node(memory=8, cores=3), node("node-1", memory=6, cores=4)],
            [service(memory=1, cores=3), worker(essential=2, memory=3, cores=2)],
        ),
    ],
)
def test_what_the_sites_placement_can_start_is_not_refused(
    placement: Placement, nodes: list[Node], gang: list[dict[str, Any]]
) -> None:
    wanted = zapp(*gang)
    settings = SchedulingSettings(placement=placement)
    made = decide(snapshot(nodes, execution(1, *gang)), settings, START)
    assert [each.execution_id for each in made.gangs] == [1]
    assert problems(wanted, *nodes) == [], "also who does not know the placement takes it"
    assert could_ever_fit(wanted, nodes, DEFAULTS, [placement]) == ()
    others = [each for each in (Spread(), Pack(), BestFit()) if type(each) is not type(placement)]
    assert could_ever_fit(wanted, nodes, DEFAULTS, others) != ()


def test_elastic_instances_may_be_too_many_or_too_large() -> None:
    wanted = zapp(service(), worker(essential=0, elastic=50, memory=99))
    assert problems(wanted, node()) == []


def test_every_service_with_a_fault_is_named() -> None:
    wanted = zapp(service(image="other"), worker(memory=99))
    known = node(images=frozenset({"test"}))
    assert [field for field, _ in problems(wanted, known)] == [
        "services[0].image",
        "services[1].resources",
    ]
