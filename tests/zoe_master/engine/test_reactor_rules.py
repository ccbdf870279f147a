"""What administrators rule counts at the next step, also for what is there already."""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.support.builders import DEFAULTS, GB, after, execution, instance, node, service
from zoe_core.cluster import ExecutionStatus, PastUse, Quota, Quotas
from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_master.engine.reactor import Facts, Reactor, Step
from zoe_store.master import News
from zoe_store.site_rules import SiteRules

RUNNING = execution(1, service(), status="running", started_at=after(0))


def reactor(**fields: Any) -> Reactor:
    made = Reactor(
        **({"executions": [RUNNING], "instances": [instance(1)]} | fields),
        settings=SchedulingSettings(defaults=DEFAULTS),
        rules=StartRules(),
    )
    take(made, nodes=[node("node-0"), node("node-1", draining=True)])
    return made


def take(
    it: Reactor,
    *,
    drained: Iterable[str] = (),
    quotas: Quotas | None = None,
    seconds: float = 0,
    commit: bool = True,
    **facts: Any,
) -> Step:
    rules = SiteRules(quotas or Quotas(), frozenset(drained))
    made = it.step(Facts(news=News((), (), rules=rules), **facts), after(seconds))
    if commit:
        it.commit(made)
    return made


def draining(it: Reactor) -> dict[str, bool]:
    return {each.name: each.draining for each in it.snapshot.nodes.values()}


def test_a_node_is_drained_as_long_as_somebody_wants_it() -> None:
    it = reactor()
    assert draining(it) == {"node-0": False, "node-1": True}
    take(it, drained=["node-0", "node-1", "unknown"])
    assert draining(it) == {"node-0": True, "node-1": True}
    take(it, drained=["node-0"], nodes=[node("node-0"), node("node-1")])
    assert draining(it) == {"node-0": True, "node-1": False}
    take(it)
    assert draining(it) == {"node-0": False, "node-1": False}


def test_a_wish_is_not_lost_with_a_step_that_could_not_be_written() -> None:
    it = reactor()
    take(it, drained=["node-0"], commit=False)
    it.reload([RUNNING], [instance(1)])
    take(it, drained=["node-0"])
    assert draining(it)["node-0"]
    take(it, commit=False)
    it.reload([RUNNING], [instance(1)])
    take(it)
    assert not draining(it)["node-0"]


def test_nothing_starts_on_a_drained_node() -> None:
    it = reactor(executions=[execution(1)], instances=[])
    assert it.snapshot.executions[1].status is ExecutionStatus.STARTING
    it = Reactor(
        executions=[execution(1)],
        instances=[],
        settings=SchedulingSettings(defaults=DEFAULTS),
        rules=StartRules(),
    )
    take(it, nodes=[node("node-0")], drained=["node-0"])
    assert it.snapshot.executions[1].status is ExecutionStatus.QUEUED
    take(it)
    assert it.snapshot.executions[1].status is ExecutionStatus.STARTING


@pytest.mark.parametrize("reloaded", [False, True])
def test_a_runtime_limit_of_a_quota_counts_for_what_runs(reloaded: bool) -> None:
    it = reactor()
    limited = Quotas(users={"alice": Quota(runtime_limit=60)})
    take(it, quotas=limited, seconds=59)
    if reloaded:
        it.reload([RUNNING], [instance(1)])
        assert it.snapshot.quotas == limited
    assert 1 not in take(it, quotas=limited, seconds=59.5).advance.executions
    made = take(it, quotas=limited, seconds=60)
    assert made.advance.executions[1].status is ExecutionStatus.CLEANING_UP


def test_a_limit_that_is_lifted_counts_no_more() -> None:
    it = reactor()
    take(it, quotas=Quotas(users={"alice": Quota(runtime_limit=60)}), seconds=30)
    take(it, seconds=90)
    assert it.snapshot.executions[1].status is ExecutionStatus.RUNNING


def test_use_is_counted_while_time_passes() -> None:
    it = reactor(past=PastUse(after(-10), {"bob": (1e9, 0.0, 0.0)}))
    first = it.snapshot.past
    assert first.at == after(0)
    assert 0.9e9 < first.by_user["bob"][0] < 1e9
    take(it, seconds=5)
    assert it.snapshot.past is first
    take(it, seconds=10)
    used = it.snapshot.past.by_user["alice"]
    assert used == pytest.approx((20 * GB, 20 * 1000, 0), rel=0.001)
    it.reload([RUNNING], [instance(1)])
    assert it.snapshot.past.by_user["alice"] == used
