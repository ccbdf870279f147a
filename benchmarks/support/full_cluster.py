"""A cluster that is full, with a queue before it, and the scheduler at work as in the master."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from support.workload import Requests, nodes
from zoe_core.amount import Amount
from zoe_core.cluster import ExecutionStatus, ExecutionView, InstanceId, Observed, Snapshot
from zoe_core.scheduling import Plan, Reconciler, Scheduler, SchedulingSettings, StartRules

RULES = StartRules()
SETTINGS = SchedulingSettings()
SECOND = timedelta(seconds=1)

Change = Callable[[Reconciler], Iterable[int]]
"""Hands facts to the reconciler; returns the executions they are about."""


class FullCluster:
    """``queue`` requests wait, and nothing more starts until something changes."""

    def __init__(self, node_count: int, queue: int) -> None:
        self.now = datetime(2026, 11, 2, 9, tzinfo=UTC)
        self._snapshot = Snapshot.of(nodes(node_count), (), ())
        self._scheduler = Scheduler(self._snapshot, SETTINGS)
        self._unseen: set[int] = set()
        self._requests = Requests()
        self._queue = queue
        self._fill()

    @property
    def queue(self) -> list[ExecutionView]:
        """What waits, in the order of submission."""
        return self._with(ExecutionStatus.QUEUED)

    @property
    def running(self) -> list[ExecutionView]:
        """What runs, in the order of submission."""
        return self._with(ExecutionStatus.RUNNING)

    def demand(self, execution: ExecutionView) -> Amount:
        """What its essential instances reserve together."""
        services = execution.zapp.services
        return sum(
            (each.reservation(SETTINGS.defaults) * each.essential_count for each in services),
            Amount(),
        )

    # --- what is measured ---

    def submit_one(self) -> tuple[float, Plan]:
        """One more request comes: seconds of the pass, and its plan."""
        return self._pass(self._submission(islice(self._requests.mixed(self.now), 1)))

    def end(self, ended: Iterable[ExecutionView]) -> tuple[float, Plan]:
        """These end and are gone: seconds of the pass that follows, and its plan."""
        return self._pass(lambda reconciler: self._see_ended(reconciler, list(ended)))

    # --- what happens between ---

    def settle(self) -> None:
        """What starts has started and what leaves has left, until nothing more follows.

        Then the queue is as long as it was, and the scheduler has seen all there is to see.
        """
        while self._follow() or self._refill() or self._unseen:
            pass

    def _fill(self) -> None:
        """Requests without elastic instances run, as many as there is room for."""
        batch = max(10, 2 * len(self._snapshot.nodes))
        started = True
        while started:
            requests = islice(self._requests.rigid(self.now), batch)
            _, plan = self._pass(self._submission(requests))
            started = bool(plan.gangs)
            self._follow()
        self.settle()

    def _follow(self) -> bool:
        """See what was planned done, and plan again; False when there was nothing to see."""
        news = [
            (each.id, Observed.EXITED if each.leaving else Observed.RUNNING)
            for each in self._snapshot.all_instances()
            if each.leaving or (each.observed is Observed.NONE and not each.gone)
        ]
        if news or self._unseen:
            self._pass(lambda reconciler: _see(reconciler, news))
        return bool(news)

    def _refill(self) -> bool:
        """Make the queue as long as it should be; False when it is."""
        surplus = self.queue[self._queue :]
        missing = self._queue - len(self.queue)
        if surplus:
            self._pass(self._withdrawal(surplus))
        elif missing:
            self._pass(self._submission(islice(self._requests.mixed(self.now), missing)))
        return bool(surplus or missing)

    def _submission(self, requests: Iterable[ExecutionView]) -> Change:
        def submit(reconciler: Reconciler) -> Iterator[int]:
            for request in requests:
                reconciler.admit(request)
                yield request.id

        return submit

    def _withdrawal(self, surplus: Iterable[ExecutionView]) -> Change:
        def withdraw(reconciler: Reconciler) -> Iterator[int]:
            for each in surplus:
                reconciler.wish_end(each.id, "There are more than are wanted.")
                yield each.id

        return withdraw

    def _see_ended(self, reconciler: Reconciler, ended: list[ExecutionView]) -> set[int]:
        ids = {each.id for each in ended}
        for each in ids:
            reconciler.wish_end(each, "Its end is measured.")
        reconciler.settle(ids)
        for each in ids:
            for instance in self._snapshot.instances_of(each):
                reconciler.observe(instance.id, Observed.EXITED, exit_code=0)
            reconciler.cleaned(each)
        return ids

    def _pass(self, change: Change) -> tuple[float, Plan]:
        """One step of the master's reactor, of which the scheduler's part is timed."""
        self.now += SECOND
        reconciler = Reconciler(self._snapshot, RULES, self.now)
        reconciler.settle(list(change(reconciler)))
        picture, changed = reconciler.snapshot(), self._unseen | reconciler.advance.touched()
        began = time.perf_counter()
        self._scheduler.update(picture, changed)
        plan = self._scheduler.decide(self.now)
        seconds = time.perf_counter() - began
        reconciler.apply(plan)
        self._unseen = reconciler.advance.touched()
        self._snapshot = reconciler.snapshot()
        return seconds, plan

    def _with(self, status: ExecutionStatus) -> list[ExecutionView]:
        return [each for each in self._snapshot.executions.values() if each.status is status]


def _see(reconciler: Reconciler, news: Iterable[tuple[InstanceId, Observed]]) -> Iterator[int]:
    for instance_id, observed in news:
        reconciler.observe(instance_id, observed)
        yield instance_id.execution_id
