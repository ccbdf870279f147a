"""What one term of office has counted, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from zoe_core.cluster import FINAL, ExecutionStatus, ExecutionView, InstanceView, Observed, Snapshot
from zoe_core.scheduling.lifecycle.attempts import by_instance
from zoe_master.engine.meter import Meter
from zoe_master.engine.reactor import Step

WAITS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
"""Seconds from submission to running."""

DECISIONS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3)
"""Seconds of one decision."""

Failure = Literal["start", "exit", "signal", "lost", "other"]
"""Why an execution failed: it could not be started, its program failed or was ended by a signal (as
by the kernel, when it used too much memory), an instance disappeared."""

FAILURES: tuple[Failure, ...] = ("start", "exit", "signal", "lost", "other")


class FigureBook:
    """The figures, in a registry of their own."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.registry = CollectorRegistry()
        self._waits = Histogram(
            "zoe_execution_wait_seconds",
            "From submission to running, by priority",
            ["priority"],
            buckets=WAITS,
            registry=self.registry,
        )
        self._deciding = Histogram(
            "zoe_decision_seconds",
            "Time of one decision of the scheduler",
            buckets=DECISIONS,
            registry=self.registry,
        )
        self._instances = self._counter("zoe_instances_started", "Instances that came to run")
        self._requeued = self._counter(
            "zoe_executions_requeued", "Starts that were given up: back into the queue"
        )
        self._ends = self._counter("zoe_executions_ended", "Executions that ended", "outcome")
        self._failures = self._counter(
            "zoe_executions_failed", "Executions that ended in error, by why", "reason"
        )
        self._effects = self._counter(
            "zoe_backend_failures", "Calls of the back-end that failed", "call"
        )
        self._memory = self._used("zoe_node_memory_used_bytes", "Memory that instances use")
        self._cores = self._used("zoe_node_cores_used", "Cores that instances use")
        for reason in FAILURES:  # a figure that appears with its first event shows no increase
            self._failures.labels(reason)
        for outcome in sorted(FINAL):
            self._ends.labels(outcome)

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(name, help_, labels, registry=self.registry)

    def _used(self, name: str, help_: str) -> Gauge:
        return Gauge(name, f"{help_} on a node, as measured", ["node"], registry=self.registry)

    def count(self, before: Snapshot, step: Step) -> None:
        """Take in a step that was written down; ``before`` is the snapshot that it changed."""
        if step.deciding is not None:
            self._deciding.observe(step.deciding)
        for instance in step.advance.instances.values():
            known = before.instances.get(instance.id.execution_id, {}).get(instance.id)
            if instance.started_at is not None and (known is None or known.started_at is None):
                self._instances.inc()
        for event in step.advance.events:
            if event.kind == "status":
                moved = step.advance.executions[event.execution_id]
                self._count_move(event.data["from"], event.data["to"], moved)
        for execution in step.advance.executions.values():
            was = before.executions.get(execution.id)
            if _fails(execution) and not (was is not None and _fails(was)):
                why = _failure(was, execution, step.snapshot.instances_of(execution.id))
                self._failures.labels(why).inc()

    def _count_move(self, old: str, new: str, execution: ExecutionView) -> None:
        if new == ExecutionStatus.RUNNING and execution.started_at is not None:
            waited = execution.started_at - execution.submitted_at
            self._waits.labels(execution.zapp.priority).observe(waited.total_seconds())
        if (old, new) == (ExecutionStatus.STARTING, ExecutionStatus.QUEUED):
            self._requeued.inc()
        if new in FINAL:
            self._ends.labels(new).inc()

    def failed_call(self, call: str) -> None:
        """A call of the back-end has failed: ``start``, ``stop``, ``prepare``, …."""
        self._effects.labels(call).inc()

    def render(self) -> bytes:
        """The text, with what nodes use just now."""
        self._memory.clear()
        self._cores.clear()
        for node, (memory, cores) in self._meter.used_by_node().items():
            self._memory.labels(node).set(memory)
            self._cores.labels(node).set(cores)
        return generate_latest(self.registry)


def _fails(execution: ExecutionView) -> bool:
    return execution.outcome is not None and execution.outcome.status is ExecutionStatus.ERROR


def _failure(
    was: ExecutionView | None, execution: ExecutionView, instances: Iterable[InstanceView]
) -> Failure:
    """By the first of what went wrong with the instances that decide."""
    if was is not None and was.start_failures < execution.start_failures:
        return "start"
    newest = (attempts[-1] for attempts in by_instance(instances).values())
    deciding = (each for each in newest if each.essential or each.monitor)
    wrong = [each for each in deciding if each.gone and each.exit_code != 0]
    if not wrong:
        return "other"
    first = min(wrong, key=lambda each: (each.ended_at is None, each.ended_at, each.id))
    if first.started_at is None:
        return "start"
    if first.observed is Observed.LOST:
        return "lost"
    return "signal" if (first.exit_code or 0) < 0 else "exit"
