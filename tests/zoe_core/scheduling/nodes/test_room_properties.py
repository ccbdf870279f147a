"""What holds for every room and every need."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.zoe_core.scheduling.nodes.rooms import (
    all_free,
    amounts,
    at_least_nothing,
    clusters,
    gangs,
    held_devices,
    lacking,
    may_host,
    needs,
    nodes_of,
    one_by_one,
    placements,
    room_of,
    suits,
)
from zoe_core.amount import Amount
from zoe_core.cluster import Snapshot
from zoe_core.scheduling.nodes.room import Misfit, Need, Room, Spot
from zoe_core.scheduling.placement import Placement

Gang = list[tuple[Need, int]]
counts = st.integers(0, 30)


@given(clusters(), needs, counts, placements, st.booleans())
def test_places_in_bulk_are_those_of_one_after_the_other(
    cluster: Snapshot,
    need: Need,
    count: int,
    placement: Placement,
    elastic: bool,
) -> None:
    room = room_of(cluster)
    expected = one_by_one(cluster, room.copy(), need, count, placement, elastic=elastic)
    assert nodes_of(room.place(need, count, placement, elastic=elastic)) == expected


@given(clusters(), needs, counts, placements, st.booleans())
def test_as_many_are_placed_as_there_is_room_for(
    cluster: Snapshot,
    need: Need,
    count: int,
    placement: Placement,
    elastic: bool,
) -> None:
    room = room_of(cluster)
    many = room.how_many(need, count, elastic=elastic)
    assert many == min(count, room.how_many(need, 1000, elastic=elastic))
    assert room.fits(need, elastic=elastic) == (room.how_many(need, 1, elastic=elastic) == 1)
    assert len(room.place(need, count, placement, elastic=elastic)) == many


@given(clusters(), gangs, placements)
def test_a_gang_is_placed_whole_within_what_is_free(
    cluster: Snapshot, gang: Gang, placement: Placement
) -> None:
    room = room_of(cluster)
    before = all_free(cluster, room)
    spots = room.place_gang(gang, placement)
    if isinstance(spots, Misfit):
        assert all_free(cluster, room) == before
        return
    assert [len(mine) for mine in spots] == [count for _, count in gang]
    for (need, _), mine in zip(gang, spots, strict=True):
        assert all(may_host(cluster.nodes[spot.node], need) for spot in mine)
    taken = _held(gang, spots)
    assert all_free(cluster, room) == {
        name: free - taken.get(name, Amount()) for name, free in before.items()
    }
    assert all(suits(amount, before[name]) for name, amount in taken.items())


@given(clusters(), gangs, placements)
def test_a_gang_that_does_not_fit_is_told_by_the_need_that_found_no_place(
    cluster: Snapshot, gang: Gang, placement: Placement
) -> None:
    room = room_of(cluster)
    misfit = room.place_gang(gang, placement)
    if isinstance(misfit, Misfit):
        need = misfit.need
        assert misfit.placed < max(count for each, count in gang if each == need)


@given(clusters(), st.lists(gangs, max_size=4), placements)
def test_gpus_are_never_shared(
    cluster: Snapshot, several: list[Gang], placement: Placement
) -> None:
    room = room_of(cluster)
    held = held_devices(cluster)
    for gang in several:
        spots = room.place_gang(gang, placement)
        for (need, _), mine in zip(gang, () if isinstance(spots, Misfit) else spots, strict=False):
            for spot in mine:
                assert len(spot.devices) == need.amount.gpus
                assert set(spot.devices) <= set(cluster.nodes[spot.node].devices)
                held += [(spot.node, each) for each in spot.devices]
    assert not [each for each, times in Counter(held).items() if times > 1]


@given(clusters(), gangs, placements)
def test_what_is_given_back_leaves_no_trace(
    cluster: Snapshot, gang: Gang, placement: Placement
) -> None:
    room = room_of(cluster)
    before = all_free(cluster, room)
    spots = room.place_gang(gang, placement)
    if not isinstance(spots, Misfit):
        for (need, _), mine in zip(gang, spots, strict=True):
            for spot in mine:
                room.give_back(spot.node, need.amount, spot.devices)
        assert all_free(cluster, room) == before
        assert room.place_gang(gang, placement) == spots


@given(clusters(), gangs, placements)
def test_a_copy_is_another_room(cluster: Snapshot, gang: Gang, placement: Placement) -> None:
    room = room_of(cluster)
    before, other = all_free(cluster, room), room.copy()
    spots = other.place_gang(gang, placement)
    assert all_free(cluster, room) == before
    assert room.place_gang(gang, placement) == spots


@given(clusters(), st.data(), needs, placements)
def test_a_meeting_has_what_is_free_in_both(
    cluster: Snapshot, data: st.DataObject, need: Need, placement: Placement
) -> None:
    room, other = room_of(cluster), Room.beside(cluster)
    for name in cluster.nodes:
        other.take(name, data.draw(amounts))
    both = room.meet(other)
    for name in cluster.nodes:
        mine, others = room.free(name), other.free(name)
        assert both.free(name) == Amount(
            min(mine.memory, others.memory),
            min(mine.millicores, others.millicores),
            min(mine.gpus, others.gpus),
        )
    given = [(spot.node, each) for spot in both.place(need, 5, placement) for each in spot.devices]
    assert not set(given) & set(held_devices(cluster))


@given(clusters(), needs, amounts, st.booleans())
def test_what_fits_fits_in_the_frontier(
    cluster: Snapshot, need: Need, amount: Amount, elastic: bool
) -> None:
    room = room_of(cluster)
    rows = room.frontier(need.image, need.labels, elastic=elastic).tolist()
    frontier = [Amount(*row) for row in rows]
    fits = any(suits(amount, each) for each in frontier)
    assert fits == room.fits(Need(amount, need.image, need.labels), elastic=elastic)
    for each in frontier:
        assert [other for other in frontier if each.fits_in(other)] == [each]


@given(clusters(), needs)
def test_the_nearest_is_of_the_nodes_that_may_start_it(cluster: Snapshot, need: Need) -> None:
    room = room_of(cluster)
    offers = {
        name: at_least_nothing(room.free(name))
        for name, node in sorted(cluster.nodes.items())
        if may_host(node, need)
    }
    nearest = room.nearest(need)
    assert (nearest is None) == (not offers)
    if nearest is not None:
        name, free = nearest
        assert offers[name] == free
        lacks = lacking(need.amount, free)
        assert all(lacks <= lacking(need.amount, each) for each in offers.values())
        assert (lacks == 0) == room.fits(need)


@given(clusters(), needs, gangs, placements)
def test_answers_are_those_of_a_room_that_was_never_asked(
    cluster: Snapshot, need: Need, gang: Gang, placement: Placement
) -> None:
    room = room_of(cluster)
    _answers(room, need)
    other = room.copy()
    other.place_gang(gang, placement)
    for each in (room, other):
        assert _answers(each, need) == _answers(each.meet(each), need)


def _answers(room: Room, need: Need) -> tuple[object, ...]:
    image, labels = need.image, need.labels
    frontier = room.frontier(image, labels).tolist()
    return frontier, room.nearest(need), room.sum().tolist()


def _held(gang: Gang, spots: list[list[Spot]]) -> dict[str, Amount]:
    held: dict[str, Amount] = {}
    for (need, _), mine in zip(gang, spots, strict=True):
        for spot in mine:
            held[spot.node] = held.get(spot.node, Amount()) + need.amount
    return held
