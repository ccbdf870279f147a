"""Desired against observed: what happens next in the life of one execution.

``Reconciler`` collects what changes; the shell writes it down and makes it true. Nothing else moves
an execution from one status to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from zoe_core.cluster import (
    FINAL,
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Observed,
    Outcome,
    Snapshot,
    check_transition,
)
from zoe_core.scheduling.outcome import judge
from zoe_core.scheduling.plan import Plan

_ENDED = frozenset({Observed.EXITED, Observed.LOST})


@dataclass(frozen=True, slots=True)
class StartRules:
    """How long a gang may take to be whole (seconds), and how often it may fail to be."""

    deadline: float = 300.0
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class Happened:
    """An event for the log: what happened to an execution."""

    execution_id: int
    kind: str
    data: Mapping[str, Any]


@dataclass(slots=True)
class Advance:
    """What changed in one step: new views by identity, and the events that tell it."""

    executions: dict[int, ExecutionView] = field(default_factory=dict)
    instances: dict[InstanceId, InstanceView] = field(default_factory=dict)
    events: list[Happened] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.executions or self.instances or self.events)


class Reconciler:
    """One step in the life of a deployment: facts go in, ``advance`` comes out.

    Works on a snapshot that it never changes; ``snapshot()`` is the picture after the step.
    """

    def __init__(self, snapshot: Snapshot, rules: StartRules, now: datetime) -> None:
        self._nodes = snapshot.nodes
        self._executions = dict(snapshot.executions)
        self._instances = dict(snapshot.instances)
        self._rules = rules
        self._now = now
        self.advance = Advance()

    def snapshot(self) -> Snapshot:
        """The picture with all changes so far; ended executions are no longer in it."""
        live = {key: each for key, each in self._executions.items() if each.status not in FINAL}
        instances = {key: self._instances.get(key, {}) for key in live}
        return Snapshot(self._nodes, live, instances)

    # --- facts ---

    def admit(self, execution: ExecutionView) -> None:
        """A submitted execution enters the queue."""
        self._executions[execution.id] = execution
        if execution.status is ExecutionStatus.SUBMITTED:
            self._move(execution.id, ExecutionStatus.QUEUED)

    def wish_end(self, execution_id: int, reason: str) -> None:
        """Somebody wants it to end; the first wish counts."""
        execution = self._executions.get(execution_id)
        if execution is not None and execution.terminate is None and execution.status not in FINAL:
            self._put(replace(execution, terminate=reason))

    def observe(
        self,
        instance_id: InstanceId,
        observed: Observed,
        *,
        exit_code: int | None = None,
        detail: str | None = None,
        addresses: tuple[tuple[int, str, int], ...] = (),
    ) -> None:
        """The back-end reports what it sees of an instance. What has ended stays so.

        One that is not wanted any more may still turn up, when its start was under way.
        """
        old = self._instances.get(instance_id.execution_id, {}).get(instance_id)
        if old is None or old.observed in _ENDED or _nothing_new(old, observed, addresses):
            return
        running = observed is Observed.RUNNING
        was_up = running or observed is Observed.EXITED
        ended = observed in _ENDED
        new = replace(
            old,
            observed=observed,
            exit_code=exit_code,
            detail=detail,
            addresses=addresses if running else (),
            started_at=old.started_at or (self._now if was_up else None),
            ended_at=self._now if ended else None,
        )
        self._put_instance(new)

    def cleaned(self, execution_id: int) -> None:
        """The back-end holds nothing of this execution any more."""
        execution = self._executions.get(execution_id)
        if execution is None or execution.status is not ExecutionStatus.CLEANING_UP:
            return
        for each in self._mine(execution):
            if not each.gone:  # the report of its end was missed
                self.observe(each.id, Observed.LOST)
        outcome = execution.outcome or Outcome(ExecutionStatus.TERMINATED, "")
        self._move(execution_id, outcome.status, reason=outcome.reason)

    def apply(self, plan: Plan) -> None:
        """Take a plan that was made on ``snapshot()``: reserve, and let the gangs start."""
        for gang in plan.gangs:
            execution = self._executions[gang.execution_id]
            self._put(replace(execution, starting_since=self._now))
            self._move(gang.execution_id, ExecutionStatus.STARTING)
            for instance in gang.instances:
                self._put_instance(instance)
        for instance in plan.grown:
            self._put_instance(instance)

    # --- consequences ---

    def settle(self, execution_ids: Iterable[int]) -> None:
        """Draw the consequences for these executions until nothing more follows."""
        for execution_id in execution_ids:
            if execution_id in self._executions:
                while self._step(self._executions[execution_id]):
                    pass

    def _step(self, execution: ExecutionView) -> bool:
        """One consequence; False when there is none left."""
        match execution.status:
            case ExecutionStatus.QUEUED:
                return self._settle_queued(execution)
            case ExecutionStatus.STARTING:
                return self._settle_starting(execution)
            case ExecutionStatus.RUNNING:
                return self._end_if(execution, self._due_end(execution))
            case ExecutionStatus.CLEANING_UP:
                return self._take_down(execution)
            case _:
                return False

    def _settle_queued(self, execution: ExecutionView) -> bool:
        if execution.terminate is None:
            return self._take_down(execution)
        outcome = Outcome(ExecutionStatus.TERMINATED, execution.terminate)
        if self._mine(execution):
            return self._end_if(execution, outcome)
        self._put(replace(execution, outcome=outcome))
        self._move(execution.id, outcome.status, reason=outcome.reason)
        return True

    def _settle_starting(self, execution: ExecutionView) -> bool:
        gang = [each for each in self._current(execution) if each.essential]
        if all(each.started_at is not None for each in gang):
            self._put(replace(execution, started_at=self._now))
            self._move(execution.id, ExecutionStatus.RUNNING)
            return True
        if self._end_if(execution, self._due_end(execution)):
            return True
        since = execution.starting_since or execution.submitted_at
        if self._now < since + timedelta(seconds=self._rules.deadline):
            return False
        return self._start_failed(execution, gang)

    def _start_failed(self, execution: ExecutionView, gang: list[InstanceView]) -> bool:
        failures = execution.start_failures + 1
        late = ", ".join(sorted(each.id.name for each in gang if each.started_at is None))
        self._put(replace(execution, start_failures=failures))
        if failures >= self._rules.attempts:
            reason = f"It did not start in {failures} attempts; the last time {late} was not ready."
            return self._end_if(
                self._executions[execution.id], Outcome(ExecutionStatus.ERROR, reason)
            )
        self._move(
            execution.id,
            ExecutionStatus.QUEUED,
            reason=f"{late} was not ready in {self._rules.deadline:g} s; it will be tried again.",
        )
        return True

    def _due_end(self, execution: ExecutionView) -> Outcome | None:
        if execution.terminate is not None:
            return Outcome(ExecutionStatus.TERMINATED, execution.terminate)
        limit, started = execution.zapp.runtime_limit, execution.started_at
        if limit and started and self._now >= started + timedelta(seconds=limit):
            reason = f"Its runtime limit of {limit:g} s has passed."
            return Outcome(ExecutionStatus.TERMINATED, reason)
        return judge(self._current(execution))

    def _end_if(self, execution: ExecutionView, outcome: Outcome | None) -> bool:
        if outcome is None:
            return False
        self._put(replace(execution, outcome=outcome))
        self._move(execution.id, ExecutionStatus.CLEANING_UP, reason=outcome.reason)
        return True

    def _take_down(self, execution: ExecutionView) -> bool:
        """Nothing of an execution that is not (or no longer) meant to run may stay."""
        present = [each for each in self._mine(execution) if each.desired is Desired.PRESENT]
        for each in present:
            self._put_instance(replace(each, desired=Desired.ABSENT))
        return False

    # --- book-keeping ---

    def _mine(self, execution: ExecutionView) -> list[InstanceView]:
        mine = self._instances.get(execution.id, {})
        return [mine[each] for each in sorted(mine)]

    def _current(self, execution: ExecutionView) -> list[InstanceView]:
        """The newest attempt of each instance, without those that were taken back."""
        newest = {(each.id.service, each.id.index): each for each in self._mine(execution)}
        return [each for each in newest.values() if each.desired is Desired.PRESENT]

    def _put(self, execution: ExecutionView) -> None:
        self._executions[execution.id] = execution
        self.advance.executions[execution.id] = execution

    def _put_instance(self, instance: InstanceView) -> None:
        execution_id = instance.id.execution_id
        # A new mapping: the snapshot that this step began with must not change.
        self._instances[execution_id] = {
            **self._instances.get(execution_id, {}),
            instance.id: instance,
        }
        self.advance.instances[instance.id] = instance
        self.advance.events.append(
            Happened(
                execution_id,
                "instance",
                {
                    "name": instance.id.name,
                    "attempt": instance.id.attempt,
                    "node": instance.node,
                    "desired": instance.desired.value,
                    "observed": instance.observed.value,
                    "exit_code": instance.exit_code,
                    "detail": instance.detail,
                },
            )
        )

    def _move(self, execution_id: int, status: ExecutionStatus, reason: str | None = None) -> None:
        execution = self._executions[execution_id]
        check_transition(execution.status, status)
        self._put(replace(execution, status=status))
        data = {"from": execution.status.value, "to": status.value, "reason": reason}
        self.advance.events.append(Happened(execution_id, "status", data))


def _nothing_new(
    old: InstanceView, observed: Observed, addresses: tuple[tuple[int, str, int], ...]
) -> bool:
    """Reports may be doubled, and one of its creation may come after one that it runs."""
    if old.observed is Observed.RUNNING and observed is Observed.CREATING:
        return True
    return old.observed is observed and old.addresses == addresses
