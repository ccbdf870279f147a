"""One step of the reactor: what people wish, and what time alone brings about."""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.support.builders import DEFAULTS, after, execution, instance, node, service, worker
from zoe_core.cluster import ExecutionStatus, ExecutionView, InstanceView, Observed
from zoe_core.scheduling import Blocker, Reconciler, SchedulingSettings, StartRules
from zoe_core.zapp import Changes
from zoe_master.engine.reactor import Facts, Reactor, Step
from zoe_store.master import Intent, News


def reactor(*executions: ExecutionView, instances: list[InstanceView] | None = None) -> Reactor:
    return Reactor(
        executions=executions,
        instances=instances or [],
        settings=SchedulingSettings(defaults=DEFAULTS),
        rules=StartRules(),
    )


def step(
    it: Reactor, *intents: tuple[str, dict[str, Any]], seconds: float = 0, **facts: Any
) -> Step:
    """Take in what is wished of execution 1, and commit."""
    wishes = [Intent(10 + each, 1, kind, "ada", data) for each, (kind, data) in enumerate(intents)]
    made = it.step(Facts(news=News((), tuple(wishes)), **facts), after(seconds))
    it.commit(made)
    return made


def test_hold_and_release() -> None:
    it = reactor(execution(1))
    held = step(it, ("hold", {"reason": "Its token is dead."}), nodes=[node()])
    assert it.snapshot.executions[1].on_hold
    assert held.plan.verdicts[1].blocker is Blocker.ON_HOLD
    assert held.handled == (10,)
    assert [each.kind for each in held.advance.events] == ["hold"]
    step(it, ("release", {}))
    assert it.snapshot.executions[1].status is ExecutionStatus.STARTING


@pytest.mark.parametrize("status", ["queued", "starting"])
def test_what_is_held_has_nothing_on_the_back_end(status: str) -> None:
    there = [instance(1, observed=Observed.CREATING)] if status == "starting" else []
    it = reactor(execution(1, status=status, starting_since=after(0)), instances=there)
    made = step(it, ("hold", {"reason": ""}), nodes=[node()])
    assert it.snapshot.executions[1].status is ExecutionStatus.QUEUED
    assert 1 in made.touched
    assert all(each.leaving for each in it.snapshot.instances_of(1))
    assert not it.busy


def test_what_is_changed_counts_from_the_next_plan_on() -> None:
    it = reactor(execution(1, service(memory=4)))
    assert not step(it, nodes=[node(memory=2)]).plan.gangs
    sizes = {"resources": {"main": {"memory": 2**30}}, "priority": "low"}

    made = step(it, ("change", sizes))

    view = it.snapshot.executions[1]
    assert view.status is ExecutionStatus.STARTING
    assert view.zapp.priority == "low"
    assert view.changes == Changes.model_validate(sizes)
    first = made.advance.events[0]
    assert (first.kind, first.data["by"]) == ("changed", "ada")


def test_a_size_is_not_changed_once_it_has_started() -> None:
    it = reactor(execution(1, status="running", started_at=after(0)), instances=[instance(1)])
    sizes = {"resources": {"main": {"memory": 2**30}}}
    made = step(it, ("change", sizes), nodes=[node()])
    assert [each.kind for each in made.advance.events] == ["not_changed"]
    assert not it.snapshot.executions[1].changes


def test_what_is_about_to_end_says_that_it_is_not_changed() -> None:
    it = reactor(execution(1, status="running", started_at=after(0)), instances=[instance(1)])
    step(it, ("terminate", {"reason": "Enough."}), nodes=[node()])
    made = step(it, ("change", {"runtime_limit": 60}))
    assert [(each.kind, each.data["reason"]) for each in made.advance.events] == [
        ("not_changed", "it is about to end")
    ]


def test_a_runtime_limit_that_is_changed_moves_the_deadline() -> None:
    it = reactor(execution(1, status="running", started_at=after(0)), instances=[instance(1)])
    step(it, ("change", {"runtime_limit": 60}), nodes=[node()])
    assert not step(it, seconds=59).advance
    step(it, ("change", {"runtime_limit": 100}), seconds=59)
    assert not step(it, seconds=99).advance
    step(it, seconds=100)
    assert it.snapshot.executions[1].status is ExecutionStatus.CLEANING_UP


def test_a_wish_of_a_kind_that_this_version_does_not_know_is_passed_over() -> None:
    it = reactor(execution(1, on_hold=True))
    made = step(it, ("extend", {"by": 60}), ("release", {}), nodes=[node()])
    assert made.handled == (10, 11)
    assert it.snapshot.executions[1].status is ExecutionStatus.STARTING


def test_it_plans_anew_when_instances_have_been_held_long_enough() -> None:
    patient = worker(essential=0, elastic=1, min_hold=60)
    running = execution(1, service(), patient, status="running")
    there = [instance(1), instance(1, "worker", essential=False)]
    it = reactor(running, execution(2, service(memory=2)), instances=there)
    assert step(it, nodes=[node(memory=3)]).plan.taken == ()
    assert step(it, seconds=59).plan.taken == ()
    assert not step(it, seconds=59).advance
    made = step(it, seconds=60)
    assert [str(each) for each in made.plan.taken] == ["1/worker-0#1"]
    assert 1 in made.touched
    assert not step(it, seconds=61).advance


def test_time_alone_costs_nothing_before_something_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[set[int]] = []
    settle = Reconciler.settle

    def noted(self: Reconciler, execution_ids: Iterable[int]) -> None:
        settled.append(set(execution_ids))
        settle(self, settled[-1])

    running = [
        execution(each, status="running", started_at=after(0), limit=100 + each)
        for each in range(1, 21)
    ]
    it = reactor(*running, instances=[instance(each.id) for each in running])
    step(it, nodes=[node(memory=32, cores=32)])
    monkeypatch.setattr(Reconciler, "settle", noted)
    step(it, seconds=100)
    step(it, seconds=102)
    assert settled == [set(), {1, 2}]
    assert it.snapshot.executions[2].status is ExecutionStatus.CLEANING_UP
    assert it.snapshot.executions[3].status is ExecutionStatus.RUNNING
