"""The ledger of a step, and the pictures that it gives out meanwhile."""

from collections import UserDict
from collections.abc import Iterator

from tests.support.builders import execution, instance, snapshot
from zoe_core.cluster import InstanceId, InstanceView, Observed, Snapshot
from zoe_core.scheduling.lifecycle.advance import Ledger


class Watched(UserDict[InstanceId, InstanceView]):
    """Counts how often all of it is read."""

    reads = 0

    def __iter__(self) -> Iterator[InstanceId]:
        self.reads += 1
        return super().__iter__()


def test_pictures_that_were_given_out_do_not_change() -> None:
    old, new = instance(1, observed=Observed.CREATING), instance(1)
    before = snapshot((), execution(1), old)
    ledger = Ledger(before)
    pictures = [before, ledger.snapshot()]
    ledger.put_instance(new)
    pictures.append(ledger.snapshot())
    ledger.put_instance(instance(1, index=1))
    pictures.append(ledger.snapshot())
    seen = [[each.observed for each in picture.instances_of(1)] for picture in pictures]
    creating, running = Observed.CREATING, Observed.RUNNING
    assert seen == [[creating], [creating], [running], [running, running]]


def test_a_step_copies_the_instances_of_an_execution_once() -> None:
    many = [instance(1, index=index, observed=Observed.CREATING) for index in range(5)]
    mine = Watched({each.id: each for each in many})
    ledger = Ledger(Snapshot({}, {1: execution(1)}, {1: mine}))
    for each in many:
        ledger.put_instance(instance(1, index=each.id.index))
    assert mine.reads == 1
    assert {each.observed for each in ledger.instances_of(1)} == {Observed.RUNNING}
    assert set(mine.values()) == set(many)
