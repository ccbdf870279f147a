"""Desired against observed: what happens next in the life of one execution.

``Reconciler`` collects what changes; the shell writes it down and makes it true. Nothing else moves
an execution from one status to another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from zoe_core.cluster import (
    FINAL,
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Observed,
    Outcome,
    Quotas,
    Snapshot,
)
from zoe_core.documents import Problem
from zoe_core.scheduling.lifecycle.advance import Advance, Ledger
from zoe_core.scheduling.lifecycle.attempts import current, to_restart
from zoe_core.scheduling.lifecycle.outcome import judge
from zoe_core.scheduling.plan import Gang, Plan
from zoe_core.scheduling.state.quota_use import runtime_limit
from zoe_core.zapp import Changes, ZAppError, amend

_PROGRESS = {
    Observed.NONE: 0,
    Observed.CREATING: 1,
    Observed.RUNNING: 2,
    Observed.EXITED: 3,
    Observed.LOST: 3,
}
"""An attempt only goes forward: a report of less than was seen already is a late one."""

_ENDED = frozenset({Observed.EXITED, Observed.LOST})
_WAITING = frozenset({ExecutionStatus.SUBMITTED, ExecutionStatus.QUEUED})
_TAKEN_BACK = "It was taken back to make room."


@dataclass(frozen=True, slots=True)
class StartRules:
    """How long a gang may take to be whole (seconds), and how often it may fail to be."""

    deadline: float = 300.0
    attempts: int = 3


class Reconciler:
    """One step in the life of a deployment: facts go in, ``advance`` comes out.

    Facts may be doubled, late or out of order: one that is no news changes nothing. Works on a
    snapshot that it never changes; ``snapshot()`` is the picture after the step.
    """

    def __init__(self, snapshot: Snapshot, rules: StartRules, now: datetime) -> None:
        self._ledger = Ledger(snapshot)
        self._quotas = snapshot.quotas
        self._rules = rules
        self._now = now

    @property
    def advance(self) -> Advance:
        """What has changed so far."""
        return self._ledger.advance

    def snapshot(self) -> Snapshot:
        """The picture with all changes so far; ended executions are no longer in it."""
        return self._ledger.snapshot()

    # --- facts ---

    def admit(self, execution: ExecutionView) -> None:
        """A submitted execution enters the queue."""
        if self._ledger.execution(execution.id) is None:
            self._ledger.admit(execution)
            self._ledger.move(execution.id, ExecutionStatus.QUEUED)

    def wish_end(self, execution_id: int, reason: str) -> None:
        """Somebody wants it to end; the first wish counts."""
        execution = self._ledger.execution(execution_id)
        if execution is not None and execution.terminate is None and execution.status not in FINAL:
            self._ledger.put(replace(execution, terminate=reason))

    def hold(self, execution_id: int, reason: str) -> None:
        """It must not start before it is released; what starts already goes back to its place.

        Not counted as a failed start. What runs, ends, or is wished to end is left as it is.
        """
        execution = self._ledger.execution(execution_id)
        if execution is None or execution.on_hold or execution.terminate is not None:
            return
        starting = execution.status is ExecutionStatus.STARTING
        if not starting and execution.status not in _WAITING:
            return
        self._ledger.put(replace(execution, on_hold=True))
        self._ledger.tell(execution_id, "hold", reason=reason)
        if starting:
            self._ledger.move(execution_id, ExecutionStatus.QUEUED, reason)

    def release(self, execution_id: int) -> None:
        """It may start again."""
        execution = self._ledger.execution(execution_id)
        if execution is not None and execution.on_hold and execution.status in _WAITING:
            self._ledger.put(replace(execution, on_hold=False))
            self._ledger.tell(execution_id, "release")

    def change(self, execution_id: int, changes: Changes, by: str) -> None:
        """``by`` wants it to be other than it was launched; memory and cores only until it starts.

        Whether the user may have that was asked before; what has become impossible since is told.
        """
        execution = self._ledger.execution(execution_id)
        if execution is None:
            return
        given = changes.document()
        try:
            if execution.terminate is not None or execution.outcome is not None:
                raise ZAppError([Problem("", "it is about to end")])
            if changes.resources and execution.status not in _WAITING:
                raise ZAppError([Problem("resources", "it has started: its size is as it is")])
            zapp = amend(execution.zapp, changes)
        except ZAppError as error:
            self._ledger.tell(execution_id, "not_changed", by=by, reason=str(error), **given)
            return
        amended = execution.changes.followed_by(changes)
        self._ledger.put(replace(execution, zapp=zapp, changes=amended))
        self._ledger.tell(execution_id, "changed", by=by, **given)

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

        One that is not wanted any more may still turn up, when its start was under way. One that
        the snapshot does not know is none of ours to judge.
        """
        old = self._ledger.instance(instance_id)
        if old is None or not _is_news(old, observed, addresses):
            return
        running = observed is Observed.RUNNING
        was_up = running or observed is Observed.EXITED
        ended = observed in _ENDED
        new = replace(
            old,
            observed=observed,
            exit_code=exit_code,
            detail=detail or old.detail,
            addresses=addresses if running else (),
            started_at=old.started_at or (self._now if was_up else None),
            ended_at=self._now if ended else None,
        )
        self._ledger.put_instance(new)

    def cleaned(self, execution_id: int) -> None:
        """The back-end holds nothing of this execution any more."""
        execution = self._ledger.execution(execution_id)
        if execution is None or execution.status is not ExecutionStatus.CLEANING_UP:
            return
        for each in self._ledger.instances_of(execution_id):
            if not each.gone:  # the report of its end was missed
                self.observe(each.id, Observed.LOST)
        outcome = execution.outcome or Outcome(ExecutionStatus.TERMINATED, "")
        self._ledger.move(execution_id, outcome.status, outcome.reason)

    def apply(self, plan: Plan) -> None:
        """Take a plan that was made on ``snapshot()``: reserve, take back, let the gangs start.

        And count what each was overtaken.
        """
        for taken in plan.taken:
            instance = self._ledger.instance(taken)
            if instance is not None:
                self._ledger.put_instance(
                    replace(instance, desired=Desired.ABSENT, detail=_TAKEN_BACK)
                )
        for instance in plan.restarted:
            self._ledger.put_instance(instance)
        for gang in plan.gangs:
            self._start(gang)
        for instance in plan.grown:
            self._ledger.put_instance(instance)
        for execution_id, count in plan.overtaken.items():
            execution = self._ledger.execution(execution_id)
            if execution is not None and execution.overtaken != count:
                self._ledger.put(replace(execution, overtaken=count))

    def _start(self, gang: Gang) -> None:
        execution = self._ledger.execution(gang.execution_id)
        assert execution is not None, "a plan of another snapshot"
        self._ledger.put(replace(execution, starting_since=self._now))
        self._ledger.move(gang.execution_id, ExecutionStatus.STARTING)
        for instance in gang.instances:
            self._ledger.put_instance(instance)

    # --- consequences ---

    def settle(self, execution_ids: Iterable[int]) -> None:
        """Draw the consequences for these executions until nothing more follows."""
        for execution_id in execution_ids:
            while self._step(self._ledger.execution(execution_id)):
                pass

    def _step(self, execution: ExecutionView | None) -> bool:
        """One consequence; False when there is none left."""
        if execution is None:
            return False
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
        if self._ledger.instances_of(execution.id):
            return self._end_if(execution, outcome)
        self._ledger.put(replace(execution, outcome=outcome))
        self._ledger.move(execution.id, outcome.status, outcome.reason)
        return True

    def _settle_starting(self, execution: ExecutionView) -> bool:
        late = self._not_ready(execution)
        if not late:
            self._ledger.put(replace(execution, started_at=self._now))
            self._ledger.move(execution.id, ExecutionStatus.RUNNING)
            return True
        if self._end_if(execution, self._due_end(execution)):
            return True
        if self._now < start_deadline(execution, self._rules):
            return False
        return self._start_failed(execution, ", ".join(late))

    def _not_ready(self, execution: ExecutionView) -> list[str]:
        """Names of the essential instances that have not started, or are to start once more."""
        instances = self._ledger.instances_of(execution.id)
        again = {each.id for each in to_restart(execution.zapp, instances)}
        return sorted(
            each.id.name
            for each in current(instances)
            if each.essential and (each.started_at is None or each.id in again)
        )

    def _start_failed(self, execution: ExecutionView, late: str) -> bool:
        failures = execution.start_failures + 1
        counted = replace(execution, start_failures=failures)
        if failures >= self._rules.attempts:
            reason = f"It did not start in {failures} attempts; the last time {late} was not ready."
            return self._end_if(counted, Outcome(ExecutionStatus.ERROR, reason))
        self._ledger.put(counted)
        self._ledger.move(
            execution.id,
            ExecutionStatus.QUEUED,
            f"{late} was not ready in {self._rules.deadline:g} s; it will be tried again.",
        )
        return True

    def _due_end(self, execution: ExecutionView) -> Outcome | None:
        if execution.terminate is not None:
            return Outcome(ExecutionStatus.TERMINATED, execution.terminate)
        limit, due = runtime_limit(execution, self._quotas), run_deadline(execution, self._quotas)
        if limit is not None and due is not None and self._now >= due:
            whose = "" if limit == execution.zapp.runtime_limit else " (the quota of its user)"
            reason = f"Its runtime limit of {_exactly(limit)}{whose} has passed."
            return Outcome(ExecutionStatus.TERMINATED, reason)
        return judge(execution.zapp, self._ledger.instances_of(execution.id))

    def _end_if(self, execution: ExecutionView, outcome: Outcome | None) -> bool:
        if outcome is None:
            return False
        self._ledger.put(replace(execution, outcome=outcome))
        self._ledger.move(execution.id, ExecutionStatus.CLEANING_UP, outcome.reason)
        return True

    def _take_down(self, execution: ExecutionView) -> bool:
        """Nothing of an execution that is not (or no longer) meant to run may stay."""
        for each in self._ledger.instances_of(execution.id):
            if each.desired is Desired.PRESENT:
                self._ledger.put_instance(replace(each, desired=Desired.ABSENT))
        return False


def start_deadline(execution: ExecutionView, rules: StartRules) -> datetime:
    """When a gang that starts must be whole."""
    since = execution.starting_since or execution.submitted_at
    return since + timedelta(seconds=rules.deadline)


def run_deadline(execution: ExecutionView, quotas: Quotas) -> datetime | None:
    """When an execution that has started has run for as long as it may; None: no limit."""
    limit, started = runtime_limit(execution, quotas), execution.started_at
    if limit is None or started is None:
        return None
    return started + timedelta(seconds=limit)


def _is_news(
    old: InstanceView, observed: Observed, addresses: tuple[tuple[int, str, int], ...]
) -> bool:
    """Reports may be doubled, and one of its creation may come after one that it runs."""
    if old.observed is observed:
        # No addresses are no news: the back-end could not tell them just now.
        return observed is Observed.RUNNING and addresses not in ((), old.addresses)
    return _PROGRESS[observed] > _PROGRESS[old.observed]


def _exactly(seconds: float) -> str:
    """In the largest unit of which it is a whole number: ``1 h``, ``90 min``, ``5 s``."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
