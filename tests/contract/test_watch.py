"""Watchers hear of each change, in order."""

from collections import defaultdict

from tests.contract.sites import Site
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Observation


class Notes:
    """A watcher that notes what it hears, changes only."""

    def __init__(self) -> None:
        self.heard: dict[InstanceId, list[Observation]] = defaultdict(list)

    def __call__(self, observation: Observation) -> None:
        if observation not in self.heard[observation.id]:
            self.heard[observation.id].append(observation)

    def states(self, instance: InstanceId) -> list[Observed]:
        """What was heard of one instance, less the optional beginning."""
        return [
            each.observed for each in self.heard[instance] if each.observed is not Observed.CREATING
        ]


def test_a_watcher_hears_of_start_and_end(site: Site) -> None:
    notes = Notes()
    site.backend.watch(notes)
    instance = site.start("sleep", "infinity")
    eventually(lambda: notes.states(instance) == [Observed.RUNNING])
    site.backend.stop(instance, grace=30)
    eventually(lambda: notes.states(instance) == [Observed.RUNNING, Observed.EXITED])
    assert notes.heard[instance][-1].exit_code == -15


def test_all_watchers_hear_until_they_end(site: Site) -> None:
    first, second = Notes(), Notes()
    end = site.backend.watch(first)
    site.backend.watch(second)
    end()
    instance = site.start("true")
    eventually(lambda: Observed.EXITED in second.states(instance))
    assert first.heard == {}


def test_a_watcher_that_fails_disturbs_nobody(site: Site) -> None:
    def fail(observation: Observation) -> None:
        raise ZeroDivisionError

    notes = Notes()
    site.backend.watch(fail)
    site.backend.watch(notes)
    instance = site.start("true")
    eventually(lambda: Observed.EXITED in notes.states(instance))


def test_a_new_master_hears_of_the_end_of_what_an_earlier_one_started(site: Site) -> None:
    instance = site.start("sleep", "infinity")
    notes = Notes()
    site.restart().watch(notes)
    site.backend.stop(instance, grace=30)
    eventually(lambda: notes.states(instance) == [Observed.EXITED])
