"""The incremental scheduler: what it has seen before makes no difference to what it decides."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.support.builders import after, execution, node, service, snapshot, started, worker
from tests.zoe_core.scheduling.lifecycle.life import changed_between
from tests.zoe_core.scheduling.lifecycle.test_life_stateful import Lives
from tests.zoe_core.scheduling.strategies import site_settings, snapshots
from zoe_core.cluster import Snapshot
from zoe_core.scheduling import Scheduler, SchedulingSettings, decide
from zoe_core.scheduling.state import picture


@settings(max_examples=60, deadline=None)
@given(st.lists(snapshots(), min_size=2, max_size=4), site_settings())
def test_it_decides_like_a_new_one(pictures: list[Snapshot], site: SchedulingSettings) -> None:
    """Whatever changed: nodes, quotas, past use, executions that come, go and change."""
    scheduler = Scheduler(pictures[0], site)
    for seconds, (before, now) in enumerate(pairwise(pictures)):
        scheduler.decide(after(seconds))
        scheduler.update(now, changed_between(before, now))
        assert scheduler.decide(after(60)) == decide(now, site, after(60))


def test_deciding_changes_nothing() -> None:
    live = [
        execution(1, service(), worker(elastic=3, essential=0), status="running"),
        *(execution(number, service(memory=2), limit=100) for number in range(2, 9)),
    ]
    scheduler = Scheduler(snapshot([node(), node("node-1")], live), SchedulingSettings())
    first = scheduler.decide(after(0))
    assert started(first)
    assert scheduler.decide(after(0)) == first


def test_a_plan_stays_as_it_was_when_the_picture_moves_on() -> None:
    waiting = execution(2, service(memory=9))
    picture = snapshot(node(), [execution(1), waiting])
    scheduler = Scheduler(picture, SchedulingSettings())
    old = scheduler.decide(after(0))
    told = dict(old.verdicts)
    scheduler.update(snapshot(node(memory=10), ()), [1, 2])
    scheduler.decide(after(1))
    assert dict(old.verdicts) == told


def test_names_that_nobody_has_any_more_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A year of images with a tag each, of users and of nodes that came and went."""
    monkeypatch.setattr(picture, "_FORGET", 20)
    scheduler = Scheduler(snapshot(node()), SchedulingSettings())
    for number in range(1, 200):
        live = [
            execution(each, service(image=f"test:{each}", memory=5), user=f"user-{each}")
            for each in range(number, number + 3)
        ]
        now = snapshot(node(f"node-{number}"), live)
        scheduler.update(now, range(max(1, number - 1), number + 3))
        assert scheduler.decide(after(number)) == decide(now, SchedulingSettings(), after(number))
        seen = scheduler._picture
        codes = seen.kinds, seen.nodes, seen.holdings.users, seen.holdings.accounts
        assert sum(map(len, codes)) < 60


class Schedulers(Lives):
    """In a whole life, with all that the master's steps bring."""

    @rule()
    def decide_anew(self) -> None:
        life = self.life
        assert life.decide() == decide(life.picture, life.settings, after(life.now))


TestSchedulers = Schedulers.TestCase
TestSchedulers.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
