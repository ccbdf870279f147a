"""The master's state in memory, and the one synchronous step that moves it.

No I/O here: the loop brings facts, writes down what a step changed, and only then commits it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from zoe_core.cluster import (
    ExecutionStatus,
    ExecutionView,
    InstanceView,
    Node,
    Observed,
    PastUse,
    Quotas,
    Snapshot,
)
from zoe_core.scheduling import (
    Advance,
    Plan,
    Reconciler,
    Scheduler,
    SchedulingSettings,
    StartRules,
)
from zoe_core.scheduling.lifecycle.reconcile import run_deadline, start_deadline
from zoe_core.zapp import Changes
from zoe_master.backends.base import Observation
from zoe_master.engine.deadlines import Deadlines
from zoe_master.engine.use import count_use
from zoe_store.master import Intent, News

_ACTIVE = frozenset(
    {ExecutionStatus.STARTING, ExecutionStatus.RUNNING, ExecutionStatus.CLEANING_UP}
)
"""What waits in the queue is kept over a stop of the portal; what runs is not."""

Addresses = tuple[tuple[int, str, int], ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """An observation, with where the portal reaches the instance's ports."""

    observation: Observation
    addresses: Addresses = ()


@dataclass(slots=True)
class Facts:
    """What is new since the last step."""

    news: News = field(default_factory=lambda: News((), ()))
    sightings: list[Sighting] = field(default_factory=list)
    cleaned: list[int] = field(default_factory=list)
    nodes: Sequence[Node] | None = None
    listed: float | None = None
    """When the full list was begun that the sightings take in (``time.monotonic``)."""
    end_all: str | None = None
    """The portal is stopped as a whole, for this reason: end what runs, start nothing more."""


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of a step, not yet committed. ``touched``: executions that may need effects.

    ``deciding`` is how many seconds the plan took; None: the last one still holds.
    """

    advance: Advance
    snapshot: Snapshot
    plan: Plan
    handled: tuple[int, ...]
    touched: frozenset[int]
    deciding: float | None = None


class Reactor:
    """Holds the newest committed snapshot and plan."""

    def __init__(
        self,
        *,
        executions: Iterable[ExecutionView],
        instances: Iterable[InstanceView],
        settings: SchedulingSettings,
        rules: StartRules,
        past: PastUse = PastUse(),  # noqa: B008 -- frozen
    ) -> None:
        self.snapshot = replace(Snapshot.of((), executions, instances), past=past)
        self.plan = Plan()
        self._offered: Sequence[Node] = ()  # the nodes, as the back-end has them
        self._drained: frozenset[str] | None = None  # None: look, whatever the rules are
        self._settings = settings
        self._rules = rules
        self._deadlines = Deadlines()
        self._watch(self.snapshot.executions.values(), self.snapshot.quotas)
        self._scheduler = Scheduler(self.snapshot, settings)
        self._unseen: set[int] = set()  # executions that changed after the scheduler's picture
        self._replan = True
        self._closing = False

    @property
    def busy(self) -> bool:
        """Whether anything of any execution may be on the back-end."""
        return any(each.status in _ACTIVE for each in self.snapshot.executions.values())

    def reload(
        self, executions: Iterable[ExecutionView], instances: Iterable[InstanceView]
    ) -> None:
        """Take the state that the database has in place of the one in memory."""
        old = self.snapshot
        loaded = Snapshot.of(old.nodes.values(), executions, instances)
        self.snapshot = replace(loaded, quotas=old.quotas, past=old.past)
        self._drained = None
        self._deadlines = Deadlines()
        self._watch(self.snapshot.executions.values(), old.quotas)
        self._scheduler = Scheduler(self.snapshot, self._settings)
        self._unseen.clear()
        self._replan = True

    def step(self, facts: Facts, now: datetime) -> Step:
        """Draw all consequences of ``facts``; plan anew if anything changed, or it is time to."""
        reconciler = Reconciler(self._as_ruled(facts, now), self._rules, now)
        touched = _take_in(reconciler, facts)
        reconciler.settle(touched | self._deadlines.passed(now))
        plan, deciding = self.plan, None
        self._closing = self._closing or facts.end_all is not None
        due = plan.review_at is not None and now >= plan.review_at
        if (self._replan or due or reconciler.advance) and not self._closing:
            self._unseen |= reconciler.advance.touched()
            began = time.perf_counter()
            self._scheduler.update(reconciler.snapshot(), self._unseen)
            plan = self._scheduler.decide(now)
            deciding = time.perf_counter() - began
            reconciler.apply(plan)
            self._unseen.clear()
        advance = reconciler.advance
        touched |= advance.touched()
        self._unseen |= advance.touched()
        handled = tuple(intent.id for intent in facts.news.intents)
        snapshot = reconciler.snapshot()
        return Step(advance, snapshot, plan, handled, frozenset(touched), deciding)

    def commit(self, step: Step) -> None:
        """The step is written down: from now on it is the truth."""
        self._watch(step.advance.executions.values(), step.snapshot.quotas)
        self.snapshot = step.snapshot
        self.plan = step.plan
        self._replan = False

    def _as_ruled(self, facts: Facts, now: datetime) -> Snapshot:
        """The snapshot with the nodes, the quotas and the past as they are now."""
        snapshot, rules = self.snapshot, facts.news.rules
        past = count_use(snapshot.past, self._scheduler.held, now)
        if past is not snapshot.past:
            snapshot = replace(snapshot, past=past)
        if facts.nodes is not None or rules.drained != self._drained:
            self._drained = rules.drained
            self._offered = self._offered if facts.nodes is None else facts.nodes
            nodes = {each.name: _as_wished(each, rules.drained) for each in self._offered}
            if nodes != dict(snapshot.nodes):  # equal ones stay the same object: nothing is new
                self._replan = True
                snapshot = replace(snapshot, nodes=nodes)
        if rules.quotas != snapshot.quotas:
            self._watch(snapshot.executions.values(), rules.quotas)
            self._replan = True
            snapshot = replace(snapshot, quotas=rules.quotas)
        return snapshot

    def _watch(self, executions: Iterable[ExecutionView], quotas: Quotas) -> None:
        """Find out when something happens to these by the passing of time alone."""
        for each in executions:
            match each.status:
                case ExecutionStatus.STARTING:
                    self._deadlines.put(each.id, start_deadline(each, self._rules))
                case ExecutionStatus.RUNNING:
                    self._deadlines.put(each.id, run_deadline(each, quotas))
                case _:
                    self._deadlines.put(each.id, None)


def _as_wished(node: Node, drained: Collection[str]) -> Node:
    """What the back-end itself drains stays so."""
    return replace(node, draining=True) if node.name in drained else node


def _take_in(reconciler: Reconciler, facts: Facts) -> set[int]:
    """Hand the facts over; returns the executions they are about."""
    ending = _end_active(reconciler, facts.end_all) if facts.end_all is not None else set()
    for execution in facts.news.submitted:
        reconciler.admit(execution)
    for intent in facts.news.intents:
        _take_intent(reconciler, intent)
    for sighting in facts.sightings:
        seen = sighting.observation
        reconciler.observe(
            seen.id,
            seen.observed,
            exit_code=seen.exit_code,
            detail=seen.detail,
            addresses=sighting.addresses if seen.observed is Observed.RUNNING else (),
        )
    for execution_id in facts.cleaned:
        reconciler.cleaned(execution_id)
    return {
        *ending,
        *(execution.id for execution in facts.news.submitted),
        *(intent.execution_id for intent in facts.news.intents),
        *(sighting.observation.id.execution_id for sighting in facts.sightings),
        *facts.cleaned,
    }


def _take_intent(reconciler: Reconciler, intent: Intent) -> None:
    """Of kinds that this version does not know nothing follows: a newer hub may write them."""
    reason = str(intent.arguments.get("reason", ""))
    match intent.kind:
        case "terminate":
            reconciler.wish_end(intent.execution_id, reason)
        case "hold":
            reconciler.hold(intent.execution_id, reason)
        case "release":
            reconciler.release(intent.execution_id)
        case "change":
            changes = Changes.model_validate(intent.arguments)
            reconciler.change(intent.execution_id, changes, intent.by_user)


def _end_active(reconciler: Reconciler, reason: str) -> set[int]:
    active = {
        each.id for each in reconciler.snapshot().executions.values() if each.status in _ACTIVE
    }
    for execution_id in active:
        reconciler.wish_end(execution_id, reason)
    return active
