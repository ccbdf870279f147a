"""Drives the reconciler through the life of executions, step by step, with a clock in hand."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.support.builders import after, execution, node, snapshot
from zoe_core.cluster import (
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Node,
    Observed,
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

RULES = StartRules(deadline=60, attempts=3)


class Life:
    """A deployment of one node, unless others are given; ``now`` is in seconds after START."""

    def __init__(self, nodes: Iterable[Node] | Node | None = None) -> None:
        self.picture: Snapshot = snapshot(node() if nodes is None else nodes)
        self.now = 0.0
        self.events: list[tuple[int, str, Any]] = []
        self.last: dict[int, ExecutionView] = {}
        self.settings = SchedulingSettings()
        self.begin_scheduling()

    def begin_scheduling(self) -> None:
        """With a scheduler that has seen nothing but the picture."""
        self._scheduler = Scheduler(self.picture, self.settings)
        self._seen = self.picture

    def step(self, act: Callable[[Reconciler], object] = lambda _: None) -> Advance:
        """One step of the master: facts, consequences, a decision."""
        reconciler = Reconciler(self.picture, RULES, after(self.now))
        act(reconciler)
        reconciler.settle([*self.picture.executions, *reconciler.advance.executions])
        reconciler.apply(self._decide(reconciler.snapshot()))
        self.picture = reconciler.snapshot()
        advance = reconciler.advance
        self.last |= advance.executions
        self.events += [(each.execution_id, each.kind, each.data) for each in advance.events]
        return advance

    def decide(self) -> Plan:
        """What would be decided now."""
        return self._decide(self.picture)

    def _decide(self, picture: Snapshot) -> Plan:
        """By a scheduler that has seen all before, and is told only what is new."""
        self._scheduler.update(picture, changed_between(self._seen, picture))
        self._seen = picture
        return self._scheduler.decide(after(self.now))

    def wait(self, seconds: float) -> Advance:
        """Time passes."""
        self.now += seconds
        return self.step()

    def submit(self, *services: dict[str, Any], number: int = 1, **fields: Any) -> Advance:
        """A submission arrives."""
        new = execution(number, *services, status="submitted", **fields)
        return self.step(lambda reconciler: reconciler.admit(new))

    def see(self, *names: str, observed: Observed = Observed.RUNNING, **facts: Any) -> Advance:
        """The back-end reports on the newest attempts of instances of execution 1, by name."""
        ids = [self.newest(name).id for name in names]
        return self.see_exactly(*ids, observed=observed, **facts)

    def see_exactly(self, *ids: InstanceId, observed: Observed, **facts: Any) -> Advance:
        """The back-end reports on instances by identity."""
        return self.step(
            lambda reconciler: [reconciler.observe(each, observed, **facts) for each in ids]
        )

    def exit(self, *names: str, code: int = 0, **facts: Any) -> Advance:
        """Instances end."""
        return self.see(*names, observed=Observed.EXITED, exit_code=code, **facts)

    def lose(self, *names: str, **facts: Any) -> Advance:
        """Instances are lost."""
        return self.see(*names, observed=Observed.LOST, **facts)

    def end(self, reason: str = "Enough.", number: int = 1) -> Advance:
        """Somebody wishes the end of an execution."""
        return self.step(lambda reconciler: reconciler.wish_end(number, reason))

    def clean(self, number: int = 1) -> Advance:
        """The back-end holds nothing of an execution any more."""
        return self.step(lambda reconciler: reconciler.cleaned(number))

    def leave(self, number: int = 1) -> Advance:
        """All that is still there of an execution ends, as it was asked to."""
        ids = [each.id for each in self.picture.instances_of(number) if not each.gone]
        return self.see_exactly(*ids, observed=Observed.EXITED, exit_code=-15)

    def let_go(self) -> Advance:
        """All that is to leave, of any execution, is gone."""
        leaving = [each.id for each in self.picture.all_instances() if each.leaving]
        return self.see_exactly(*leaving, observed=Observed.EXITED, exit_code=-15)

    # --- looking ---

    def execution(self, number: int = 1) -> ExecutionView:
        """As it is, or as it was when it ended."""
        return self.last[number]

    @property
    def status(self) -> ExecutionStatus:
        """Of execution 1."""
        return self.execution().status

    @property
    def told(self) -> list[tuple[str, str, str | None]]:
        """The moves of execution 1: from, to, reason."""
        return [
            (data["from"], data["to"], data["reason"])
            for number, kind, data in self.events
            if number == 1 and kind == "status"
        ]

    def newest(self, name: str, number: int = 1) -> InstanceView:
        """The newest attempt of an instance."""
        mine = [each for each in self.picture.instances_of(number) if each.id.name == name]
        return max(mine, key=lambda each: each.id)

    def names(self, number: int = 1) -> list[str]:
        """All attempts of an execution's instances."""
        return sorted(str(each.id) for each in self.picture.instances_of(number))


def changed_between(before: Snapshot, now: Snapshot) -> set[int]:
    """The executions that are not the very same objects, or whose instances are not."""
    ids = {*before.executions, *now.executions}
    return {
        each
        for each in ids
        if before.executions.get(each) is not now.executions.get(each)
        or before.instances.get(each) is not now.instances.get(each)
    }


def run(*services: dict[str, Any], **fields: Any) -> Life:
    """A life in which execution 1 runs, with all instances that there was room for."""
    life = Life()
    life.submit(*services, **fields)
    life.see_exactly(*(each.id for each in life.picture.instances_of(1)), observed=Observed.RUNNING)
    assert life.status is ExecutionStatus.RUNNING
    return life
