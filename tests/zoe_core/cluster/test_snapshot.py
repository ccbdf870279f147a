"""Executions and their instances in one picture."""

import pytest

from tests.support.builders import execution, instance, node, snapshot


def test_instances_are_found_by_their_execution() -> None:
    mine, other = instance(1), instance(2)
    picture = snapshot(node(), [execution(1), execution(2)], [mine, other])
    assert list(picture.instances_of(1)) == [mine]
    assert list(picture.instances_of(3)) == []
    assert list(picture.all_instances()) == [mine, other]


def test_an_instance_without_its_execution_is_a_defect() -> None:
    with pytest.raises(KeyError):
        snapshot(node(), execution(1), instance(2))
