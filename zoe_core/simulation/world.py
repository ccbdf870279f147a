"""A virtual clock and world around the very scheduler and reconciler that run a real deployment.

Facts that the back-end, the users and the clock would bring come from an agenda; each moment at
which something happens is one step, as in the master. No clock is read and no dice are thrown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from math import floor, log2
from typing import Protocol

from zoe_core.amount import Amount
from zoe_core.cluster import (
    FINAL,
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Observed,
    Snapshot,
)
from zoe_core.scheduling import Plan, Reconciler, Scheduler, SchedulingSettings, StartRules
from zoe_core.simulation.agenda import Agenda, Done, Fact, Gone, Limit, Review, Submitted, Up
from zoe_core.simulation.work import ENDLESS, Progress, Work

COUNT_EVERY = timedelta(minutes=5)
"""Virtual time between two counts of what users have used."""

PER_OCTAVE = 16
"""Moments in each doubling of the time in a coarse world."""

_GOLDEN = (5**0.5 - 1) / 2
"""Its multiples by whole numbers in a row lie evenly between two whole numbers."""

_NOTHING = Amount()


class Decider(Protocol):
    """What decides: ``Scheduler``, or another one to compare it with."""

    def update(self, snapshot: Snapshot, changed: set[int], /) -> None:
        """See ``Scheduler.update``."""

    def decide(self, now: datetime, /) -> Plan:
        """See ``Scheduler.decide``."""


class World:
    """A deployment in virtual time, from a snapshot on.

    ``now`` is the moment it has come to; ``snapshot`` and ``plan`` are the newest; ``used`` is what
    running instances reserve. ``started`` and ``ended`` say when executions became whole, and when
    nothing of them was left. An execution without work runs to its runtime limit, or for ever.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        settings: SchedulingSettings,
        rules: StartRules,
        now: datetime,
        *,
        scheduler: Callable[[Snapshot, SchedulingSettings], Decider] = Scheduler,
        start_delay: float = 0.0,
        coarse: bool = False,
    ) -> None:
        """``start_delay``: seconds from a decision to the running instance.

        ``coarse``: ends come together at ``PER_OCTAVE`` moments each time that the time from
        ``now`` doubles, so that many take few steps. One comes too early or too late by a part in
        that many of the time from ``now`` at most; on average they are right.

        Raises ValueError when with that delay no gang could be whole by its deadline.
        """
        if not 0 <= start_delay < rules.deadline:
            raise ValueError(
                f"start_delay is {start_delay:g} s: must be 0 or more, and less than the deadline "
                f"of a start, {rules.deadline:g} s"
            )
        self.now = now
        self.snapshot = snapshot
        self.plan = Plan()
        self.used = _NOTHING
        self.started: dict[int, datetime] = {}
        self.ended: dict[int, datetime] = {}
        self._rules = rules
        self._start_delay = timedelta(seconds=start_delay)
        self._grid_from = now if coarse else None
        self._scheduler = scheduler(snapshot, settings)
        self._unseen: set[int] = set()  # executions that changed after the scheduler's picture
        self._agenda = Agenda(self._stale)
        self._progress: dict[int, Progress] = {}
        self._held: dict[str, Amount] = {}  # by running instances, of each user
        self._look_around()

    def submit(self, execution: ExecutionView, work: Work | None = None) -> None:
        """Let an execution come at its ``submitted_at``, or now if that has passed.

        Whatever its status says, it has just been submitted then.
        """
        self._progress[execution.id] = Progress(self.now, work or ENDLESS)
        arriving = replace(execution, status=ExecutionStatus.SUBMITTED)
        self._agenda.add(max(self.now, execution.submitted_at), Submitted(arriving))

    def expect(self, execution_id: int, work: Work) -> None:
        """Say what an execution of the first snapshot has still to do. Call it before any step."""
        self._progress[execution_id].expect(work)
        self._foresee_end(execution_id)

    def step(self) -> bool:
        """Go to the next moment at which something happens; False when nothing ever will."""
        moment = self._agenda.next()
        if moment is None:
            return False
        self.now, facts = moment, self._agenda.pop()
        self._count_past_use()
        reconciler = Reconciler(self.snapshot, self._rules, self.now)
        reconciler.settle(self._take_in(reconciler, facts))
        if reconciler.advance or Review() in facts:
            self._clean_up(reconciler)
            self._decide(reconciler)
            self._keep(reconciler)
        return True

    def run_until(self, end: datetime | None = None) -> None:
        """Let all happen up to and including ``end``; by default until nothing is left."""
        while (moment := self._agenda.next()) is not None and (end is None or moment <= end):
            self.step()

    # --- one step ---

    def _take_in(self, reconciler: Reconciler, facts: Iterable[Fact]) -> Iterable[int]:
        """Hand the facts over; the executions they are about, each once, in order."""
        touched: dict[int, None] = {}
        for fact in facts:
            match fact:
                case Submitted(execution):
                    reconciler.admit(execution)
                    touched[execution.id] = None
                case Up(instances):
                    touched |= _see(reconciler, instances, Observed.RUNNING)
                case Gone(instance):
                    touched |= _see(reconciler, [instance], Observed.LOST)
                case Done(execution_id):
                    reconciler.wish_end(execution_id, "Its work is done.")
                    touched[execution_id] = None
                case Limit(execution_id):
                    touched[execution_id] = None
        return touched

    @staticmethod
    def _clean_up(reconciler: Reconciler) -> None:
        """What an execution leaves behind is gone at once."""
        for execution in tuple(reconciler.advance.executions.values()):
            if execution.status is ExecutionStatus.CLEANING_UP:
                reconciler.cleaned(execution.id)

    def _decide(self, reconciler: Reconciler) -> None:
        snapshot = reconciler.snapshot()
        self._scheduler.update(snapshot, self._unseen | reconciler.advance.touched())
        self._unseen = set()
        self.plan = plan = self._scheduler.decide(self.now)
        reconciler.apply(plan)
        for taken in plan.taken:
            self._agenda.add(self.now + _grace(snapshot, taken), Gone(taken))
        if plan.review_at is not None and plan.review_at > self.now:
            self._agenda.add(self._rounded(plan.review_at, 1.0), Review())
        placed = [each.id for gang in plan.gangs for each in gang.instances]
        placed += (each.id for each in (*plan.restarted, *plan.grown))
        if self._start_delay:
            _see(reconciler, placed, Observed.CREATING)
            self._agenda.add(self.now + self._start_delay, Up(tuple(placed)))
        else:
            reconciler.settle(_see(reconciler, placed, Observed.RUNNING))

    def _keep(self, reconciler: Reconciler) -> None:
        """The step is done: from now on it is the truth."""
        advance = reconciler.advance
        before, self.snapshot = self.snapshot, _forget(reconciler.snapshot(), self.plan.grown)
        more = _more_at_work(before, advance.instances)
        for execution_id in sorted(advance.touched()):
            execution = advance.executions.get(execution_id) or before.executions[execution_id]
            self._unseen.add(execution_id)
            self._use(execution, *more.get(execution_id, (0, _NOTHING)))

    # --- what follows by the passing of time ---

    def _look_around(self) -> None:
        """Foresee what follows from the first snapshot by itself."""
        self._agenda.add(self.now, Review())
        coming: list[InstanceId] = []
        for execution in self.snapshot.executions.values():
            mine = list(self.snapshot.instances_of(execution.id))
            for each in mine:
                if each.leaving:
                    self._agenda.add(self.now + _grace(self.snapshot, each.id), Gone(each.id))
                elif not each.gone and each.observed is not Observed.RUNNING:
                    coming.append(each.id)
            there = [each for each in mine if _at_work(each)]
            self._use(execution, len(there), sum((each.reservation for each in there), _NOTHING))
        self._agenda.add(self.now + self._start_delay, Up(tuple(coming)))

    def _use(self, execution: ExecutionView, more: int, reserved: Amount) -> None:
        """An execution changed: ``more`` of its instances run, which reserve ``reserved``."""
        self.used += reserved
        self._held[execution.user] = self._held.get(execution.user, _NOTHING) + reserved
        if execution.status in FINAL:
            self.ended[execution.id] = self.now
        going = execution.status is ExecutionStatus.RUNNING
        if going and execution.id not in self.started:
            self._limit(execution)
        progress = self._progress.setdefault(execution.id, Progress(self.now))
        if progress.change(more, going, self.now):
            self._foresee_end(execution.id)

    def _limit(self, execution: ExecutionView) -> None:
        self.started[execution.id] = started = execution.started_at or self.now
        quota = self.snapshot.quotas.of(execution.user, execution.groups)
        limits = [each for each in (execution.zapp.runtime_limit, quota.runtime_limit) if each]
        if limits:
            due = started + timedelta(seconds=min(limits))
            self._agenda.add(max(self.now, due), Limit(execution.id))

    def _stale(self, fact: Fact) -> bool:
        """Whether this was foreseen of an execution that has changed, or ended, since."""
        match fact:
            case Done(execution_id, version):
                return self._progress[execution_id].version != version
            case Limit(execution_id):
                return execution_id in self.ended
        return False

    def _foresee_end(self, execution_id: int) -> None:
        progress = self._progress[execution_id]
        done_at = progress.done_at()
        if done_at is not None:
            dither = execution_id * _GOLDEN % 1
            self._agenda.add(self._rounded(done_at, dither), Done(execution_id, progress.version))

    def _rounded(self, moment: datetime, dither: float) -> datetime:
        """The moment near it at which something may happen, no earlier than now.

        The later one for a part ``dither`` of all moments in between: 0 for none, 1 for all. The
        nearest would not do: ends of equal short runs in a row would all be off to the same side.
        """
        if self._grid_from is None:
            return moment
        ahead = (moment - self._grid_from).total_seconds()
        if ahead < 1:
            return moment
        grain = 2.0 ** floor(log2(ahead)) / PER_OCTAVE
        return max(
            self.now, self._grid_from + timedelta(seconds=grain * floor(ahead / grain + dither))
        )

    def _count_past_use(self) -> None:
        """Like the master, now and then: what is held now counts for all the time since."""
        past = self.snapshot.past
        if past.at is None or self.now - past.at >= COUNT_EVERY:
            held = {user: amount for user, amount in self._held.items() if amount != _NOTHING}
            self.snapshot = replace(self.snapshot, past=past.later(self.now, held))


def _see(
    reconciler: Reconciler, instances: Iterable[InstanceId], observed: Observed
) -> dict[int, None]:
    """Report this of all of them; returns their executions, each once, in order."""
    for each in instances:
        reconciler.observe(each, observed)
    return dict.fromkeys(each.execution_id for each in instances)


def _forget(snapshot: Snapshot, grown: Iterable[InstanceView]) -> Snapshot:
    """Leave out what was taken back and has come again: nothing is decided by it any more.

    In a database that is history; here it would make each step slower than the last.
    """
    again = [replace(each.id, attempt=each.id.attempt - 1) for each in grown if each.id.attempt > 1]
    if not again:
        return snapshot
    instances = dict(snapshot.instances)
    for old in again:
        mine = instances[old.execution_id]
        if old in mine and mine[old].desired is Desired.ABSENT and mine[old].gone:
            instances[old.execution_id] = {key: mine[key] for key in mine if key != old}
    return replace(snapshot, instances=instances)


def _at_work(instance: InstanceView | None) -> bool:
    """One that was asked to leave does nothing more."""
    return (
        instance is not None
        and instance.desired is Desired.PRESENT
        and instance.observed is Observed.RUNNING
    )


def _more_at_work(
    before: Snapshot, after: Mapping[InstanceId, InstanceView]
) -> dict[int, tuple[int, Amount]]:
    """By execution: how many more of its instances run than before, and what those reserve."""
    more: dict[int, tuple[int, Amount]] = {}
    for instance_id, new in after.items():
        execution_id = instance_id.execution_id
        old = before.instances.get(execution_id, {}).get(instance_id)
        change = _at_work(new) - _at_work(old)
        if change:
            count, amount = more.get(execution_id, (0, _NOTHING))
            more[execution_id] = count + change, amount + new.reservation * change
    return more


def _grace(snapshot: Snapshot, instance: InstanceId) -> timedelta:
    """How long it takes to leave."""
    for service in snapshot.executions[instance.execution_id].zapp.services:
        if service.dns_label == instance.service:
            return timedelta(seconds=service.shrink.grace)
    return timedelta()
