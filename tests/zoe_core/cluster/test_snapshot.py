"""What is free on the nodes of a snapshot."""

import pytest

from tests.support.builders import amount, execution, instance, node, snapshot
from zoe_core.cluster import Desired, Observed


def test_an_empty_node_is_free() -> None:
    assert snapshot(node(memory=8, cores=4)).free() == {"node-0": amount(8, 4)}


def test_every_instance_not_seen_gone_holds_its_room() -> None:
    states = [
        (Desired.PRESENT, Observed.NONE),
        (Desired.PRESENT, Observed.CREATING),
        (Desired.PRESENT, Observed.RUNNING),
        (Desired.ABSENT, Observed.CREATING),
        (Desired.ABSENT, Observed.RUNNING),
    ]
    holding = [
        instance(index=index, desired=desired, observed=observed)
        for index, (desired, observed) in enumerate(states)
    ]
    picture = snapshot(node(memory=8, cores=8), execution(), holding)
    assert picture.free() == {"node-0": amount(3, 3)}


def test_what_has_gone_holds_nothing() -> None:
    states = [
        (Desired.ABSENT, Observed.NONE),
        (Desired.PRESENT, Observed.EXITED),
        (Desired.ABSENT, Observed.LOST),
    ]
    gone = [
        instance(index=index, desired=desired, observed=observed)
        for index, (desired, observed) in enumerate(states)
    ]
    assert snapshot(node(), execution(), gone).free() == {"node-0": amount(8, 8)}


def test_every_attempt_counts() -> None:
    attempts = [instance(attempt=1, memory=1), instance(attempt=2, memory=2)]
    assert snapshot(node(), execution(), attempts).free()["node-0"] == amount(5, 6)


def test_a_node_that_shrank_is_short_of_room() -> None:
    picture = snapshot(node(memory=2, cores=1), execution(), instance(memory=4, cores=3))
    assert picture.free() == {"node-0": amount(-2, -2)}


def test_an_instance_on_a_node_that_is_gone_takes_no_room_elsewhere() -> None:
    picture = snapshot(node("node-1"), execution(), instance(node="node-0"))
    assert picture.free() == {"node-1": amount(8, 8)}


def test_instances_are_found_by_their_execution() -> None:
    mine, other = instance(1), instance(2)
    picture = snapshot(node(), [execution(1), execution(2)], [mine, other])
    assert list(picture.instances_of(1)) == [mine]
    assert list(picture.instances_of(3)) == []
    assert list(picture.all_instances()) == [mine, other]


def test_an_instance_without_its_execution_is_a_defect() -> None:
    with pytest.raises(KeyError):
        snapshot(node(), execution(1), instance(2))
