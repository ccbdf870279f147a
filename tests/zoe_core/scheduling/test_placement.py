"""Which node each placement prefers."""

import pytest

from tests.support.builders import amount, node, snapshot
from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_core.scheduling.nodes.room import Need, Room
from zoe_core.scheduling.placement import BestFit, Pack, Placement, Spread

SHAPES = {"a": (4, 8), "b": (8, 2), "c": (8, 6), "d": (2, 2)}
"""Free memory in GB and cores of each node."""


def chosen(placement: Placement, needed: Amount, count: int = 1) -> str:
    """The nodes that so many instances go to, one after the other."""
    room = Room.beside(snapshot([node(name, *shape) for name, shape in SHAPES.items()]))
    spots = room.place(Need(needed, "test"), count, placement)
    return "".join(spot.node for spot in spots)


def test_spread_takes_the_most_free_memory_then_cores_then_the_first_name() -> None:
    assert chosen(Spread(), amount(1, 1), 8) == "cbcbccac"


def test_pack_fills_the_least_that_fits() -> None:
    assert chosen(Pack(), amount(1, 1), 7) == "ddaaaab"


@pytest.mark.parametrize(
    ("needed", "node"),
    [
        (amount(2, 2), "b"),  # all its cores; as much of "d", but "b" comes first
        (amount(4, 1), "a"),  # all its memory
        (amount(1, 5), "c"),  # the cores of "c" run out sooner than those of "a"
        (Amount(), "a"),
    ],
)
def test_best_fit_leaves_the_least_of_what_runs_out_first(needed: Amount, node: str) -> None:
    assert chosen(BestFit(), needed) == node


def test_best_fit_counts_gpus() -> None:
    many = Node("many", Amount(8, 8, 4), devices=("a", "b", "c", "d"))
    one = Node("one", Amount(80, 80, 1), devices=("a",))
    (spot,) = Room.beside(snapshot([many, one])).place(Need(Amount(1, 1, 1), "test"), 1, BestFit())
    assert spot.node == "one"
