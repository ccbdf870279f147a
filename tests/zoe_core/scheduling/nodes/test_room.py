"""The room on the nodes, by examples."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.builders import GB, amount, execution, instance, node, snapshot
from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_core.scheduling.nodes.room import Misfit, Need, Room, Spot
from zoe_core.scheduling.placement import Spread

SPREAD = Spread()


def room(*nodes: Node) -> Room:
    """On these nothing runs."""
    return Room.beside(snapshot(nodes))


def need(memory: float = 1, cores: float = 1, gpus: int = 0, *labels: str) -> Need:
    """``memory`` in GB."""
    plain = amount(memory, cores)
    return Need(Amount(plain.memory, plain.millicores, gpus), "test", frozenset(labels))


def gpu_node(name: str, *devices: str) -> Node:
    """Eight GB, eight cores, and these GPUs."""
    plain = amount(8, 8)
    return Node(name, Amount(plain.memory, plain.millicores, len(devices)), devices=devices)


def test_only_what_is_said_to_hold_its_reservation_is_taken() -> None:
    one, other = instance(1, memory=5), instance(1, index=1, memory=2)
    picture = snapshot(node(), execution(), [one, other])
    assert Room.beside(picture, [one, other]).free("node-0") == amount(1, 6)
    assert Room.beside(picture, [other]).free("node-0") == amount(6, 7)
    assert Room.beside(picture, [other]).empty().free("node-0") == amount(8, 8)


def test_a_node_that_shrank_has_less_than_nothing() -> None:
    small = Room.beside(snapshot(node(memory=4)), [instance(memory=6)])
    assert small.free("node-0") == amount(-2, 7)
    assert not small.fits(need(1, 1))
    assert small.fits(need(0, 1))
    assert Amount(*small.sum().tolist()) == amount(0, 7)


def test_gpus_that_got_lost_in_use_keep_nobody_away_who_needs_none() -> None:
    """Two instances have a GPU each, and the node has one left."""
    holders = [
        replace(instance(index=index), reservation=need(1, 1, 1).amount, devices=(device,))
        for index, device in enumerate("ab")
    ]
    some = Room.beside(snapshot(gpu_node("node-0", "b")), holders)
    assert some.free("node-0") == Amount(6 * GB, 6000, -1)
    assert some.fits(need())
    assert some.how_many(need(), 9) == 6
    assert some.how_many_each(np.array([[GB], [1000], [0]]), "test").tolist() == [6]
    assert some.frontier("test").tolist() == [[6 * GB, 6000, 0]]
    assert some.copy().place_gang([(need(), 2)], SPREAD) == [[Spot("node-0")] * 2]
    assert not some.fits(need(1, 1, 1))


def test_nodes_that_nobody_knows_are_passed_over() -> None:
    some = room(node())
    some.take("gone", amount())
    some.give_back("gone", amount())
    assert Amount(*some.sum().tolist()) == amount(8, 8)


def test_no_nodes_no_room() -> None:
    none = room()
    assert not none.fits(need())
    assert none.how_many(need(), 3) == 0
    assert none.place(need(), 3, SPREAD) == []
    assert none.nearest(need()) is None
    assert none.frontier("test").tolist() == []
    assert none.place_gang([(need(), 1)], SPREAD) == Misfit(need(), placed=0)


def test_a_label_of_the_need_must_be_one_of_the_node() -> None:
    some = room(node(labels=frozenset({"ssd"})), node("node-1", labels=frozenset({"ssd", "a100"})))
    assert some.how_many(need(8), 9) == 2
    assert some.place(need(8, 8, 0, "a100", "ssd"), 2, SPREAD) == [Spot("node-1")]
    assert not some.fits(need(1, 1, 0, "a100", "ssd"))
    assert not some.fits(need(1, 1, 0, "h100"))
    assert some.fits(need(1, 1, 0, "ssd"))


def test_short_memory_keeps_elastic_instances_away() -> None:
    some = room(node(pressured=True), node("node-1", 2))
    assert some.place(need(), 9, SPREAD, elastic=True) == [Spot("node-1")] * 2
    assert some.how_many(need(), 9, elastic=True) == 0
    assert some.how_many(need(), 9) == 8


def test_the_lowest_gpus_that_are_free_are_given_in_the_order_of_the_node() -> None:
    some = room(gpu_node("node-0", "c", "a", "b"))
    assert some.place(need(1, 1, 1), 1, SPREAD) == [Spot("node-0", ("c",))]
    assert some.place(need(1, 1, 2), 1, SPREAD) == [Spot("node-0", ("a", "b"))]
    some.give_back("node-0", need(1, 1, 1).amount, ("a",))
    assert some.place(need(1, 1, 1), 5, SPREAD) == [Spot("node-0", ("a",))]


def test_the_gpus_of_what_runs_are_taken() -> None:
    holder = replace(instance(), reservation=need(1, 1, 1).amount, devices=("a",))
    holding = Room.beside(snapshot(gpu_node("node-0", "a", "b")), [holder])
    assert holding.place(need(1, 1, 1), 2, SPREAD) == [Spot("node-0", ("b",))]


def test_nodes_that_have_the_image_come_first() -> None:
    near = node("node-1", 3, local_images=frozenset({"test"}))
    some = room(node("node-0", 8), near, node("node-2", 9))
    assert [spot.node for spot in some.place(need(), 5, SPREAD)] == [
        *("node-1", "node-1", "node-1"),
        *("node-2", "node-0"),
    ]


def test_gpus_are_left_to_those_who_need_them() -> None:
    some = room(gpu_node("node-0", "a"), node("node-1", 2))
    assert [spot.node for spot in some.place(need(), 3, SPREAD)] == ["node-1", "node-1", "node-0"]


def test_the_largest_of_a_gang_go_first_and_the_answer_is_in_the_given_order() -> None:
    some = room(node("node-0", 4), node("node-1", 2))
    assert some.place_gang([(need(1), 2), (need(4), 1)], SPREAD) == [
        [Spot("node-1"), Spot("node-1")],
        [Spot("node-0")],
    ]


def test_those_with_the_fewest_nodes_to_choose_from_go_before_larger_ones() -> None:
    some = room(node("node-0", 4, labels=frozenset({"ssd"})), node("node-1", 4))
    assert some.place_gang([(need(4), 1), (need(1, 1, 0, "ssd"), 1)], SPREAD) == [
        [Spot("node-1")],
        [Spot("node-0")],
    ]


def test_a_misfit_tells_what_found_no_place() -> None:
    some = room(node("node-0", 5), node("node-1", 6))
    assert some.place_gang([(need(1), 1), (need(2), 6)], SPREAD) == Misfit(need(2), placed=5)


@pytest.mark.parametrize(
    ("needed", "name"),
    [
        (need(9, 1), "much-memory"),
        (need(1, 9), "many-cores"),
        (need(9, 9), "many-cores"),  # lacks less of its memory than the other of its cores
        (need(1, 1, 2), "with-gpu"),
        (need(8, 8, 1), "with-gpu"),
    ],
)
def test_the_node_that_comes_nearest_is_judged_by_what_it_lacks(needed: Need, name: str) -> None:
    some = room(node("many-cores", 4, 8), node("much-memory", 8, 2), gpu_node("with-gpu", "a"))
    some.take("with-gpu", amount(6, 6))
    nearest = some.nearest(needed)
    assert nearest is not None
    assert nearest[0] == name


def test_of_nodes_that_are_equally_near_the_one_with_the_most_room_is_told() -> None:
    some = room(node("a", 4, 8), node("b", 6, 8), node("c", 6, 9))
    assert some.nearest(need(1, 1, 1)) == ("c", amount(6, 9))


def test_a_gang_of_which_each_part_fits_may_not_fit_as_a_whole() -> None:
    some = room(node("node-0", 4), node("node-1", 3))
    assert some.place_gang([(need(1), 2), (need(3), 2)], SPREAD) == Misfit(need(1), placed=1)
    assert Amount(*some.sum().tolist()) == amount(7, 16)


def test_the_frontier_has_what_nothing_exceeds() -> None:
    some = room(
        *(
            node(f"node-{row}", *shape)
            for row, shape in enumerate([(4, 4), (8, 1), (4, 4), (2, 3)])
        ),
        gpu_node("with-gpu", "a"),
    )
    some.take("with-gpu", amount(7, 7))
    assert [Amount(*row) for row in some.frontier("test").tolist()] == [
        amount(8, 1),
        amount(4, 4),
        need(1, 1, 1).amount,
    ]


def test_many_amounts_are_given_back_at_once() -> None:
    some = room(node("node-0", 8), node("node-1", 8))
    rows = np.array([some.row("node-1"), some.row("node-0"), some.row("node-1")])
    gigabytes = np.array([[1, 0, 0], [2, 0, 0], [4, 0, 0]]) * GB
    some.release(rows, gigabytes)
    assert some.free("node-0") == amount(10, 8)
    assert some.free("node-1") == amount(13, 8)
    assert some.row("gone") == -1


def test_sums_over_all_nodes() -> None:
    some = room(
        node("node-0", 4, online=False),
        node("node-1", 8),
        node("node-2", 2, draining=True),
        node("node-3", 4),
    )
    some.take("node-3", amount(6, 1))
    assert Amount(*some.sum().tolist()) == amount(8, 15)
    assert Amount(*some.capacity().tolist()) == amount(18, 32)


def test_kinds_that_the_same_nodes_may_start_are_one_class() -> None:
    some = room(node(labels=frozenset({"ssd"})), node("node-1", local_images=frozenset({"near"})))
    kinds = [("test", frozenset[str]()), ("other", frozenset[str]()), ("near", frozenset[str]())]
    first = some.classes(kinds)
    assert len(set(first.tolist())) == 1
    later = some.classes([*kinds, ("test", frozenset({"ssd"})), ("other", frozenset({"ssd"}))])
    assert later[:3].tolist() == first.tolist()
    assert later[3] == later[4] != later[0]


def test_where_the_placement_finds_no_way_the_tightest_fit_may() -> None:
    """The most room first would leave the large instance nowhere to go."""
    few_cores = room(node("a", memory=6, cores=4), node("b", memory=5, cores=1))
    assert few_cores.place_gang([(need(4), 1), (need(3, 4), 1)], SPREAD) == [
        [Spot("b")],
        [Spot("a")],
    ]
    small = room(node("a", memory=10), node("b", memory=6))
    assert small.place_gang([(need(6), 1), (need(5), 2)], SPREAD) == [
        [Spot("b")],
        [Spot("a"), Spot("a")],
    ]
