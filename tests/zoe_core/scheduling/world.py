"""A back-end for the pure core: what really is there, and what it reports of that."""

from dataclasses import dataclass, field

from zoe_core.cluster import InstanceId, Observed, Snapshot
from zoe_core.scheduling import effects

_ALIVE = (Observed.CREATING, Observed.RUNNING)


@dataclass(frozen=True)
class Report:
    """What the back-end says of an instance; of none: nothing of the execution is left."""

    execution_id: int
    instance: InstanceId | None = None
    observed: Observed = Observed.NONE
    exit_code: int | None = None


@dataclass
class World:
    """Instances that exist, and all reports there ever were: new ones first wait in ``unread``."""

    there: dict[InstanceId, Report] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    unread: list[Report] = field(default_factory=list)
    started: set[InstanceId] = field(default_factory=set)

    def alive(self) -> list[InstanceId]:
        """The instances that run or will."""
        return sorted(key for key, each in self.there.items() if each.observed in _ALIVE)

    def act(self, picture: Snapshot, *, stubborn: bool = False) -> None:
        """Make the committed state true, as the applier does; what is ``stubborn`` ends later."""
        for execution in picture.executions.values():
            wanted = effects(execution, tuple(picture.instances_of(execution.id)))
            for each in () if stubborn else wanted.stop:
                self.exit(each.id, -15)
            for each in wanted.given_up:
                if each.id not in self.there:
                    self._say(Report(execution.id, each.id, Observed.LOST))
            for each in wanted.start:
                self._start(each.id)
            if wanted.clean and not any(each.execution_id == execution.id for each in self.alive()):
                self.there = {
                    key: each
                    for key, each in self.there.items()
                    if key.execution_id != execution.id
                }
                self._say(Report(execution.id))

    def _start(self, instance: InstanceId) -> None:
        if instance not in self.started:  # idempotent by name, also after it has ended
            self.started.add(instance)
            self._become(instance, Observed.CREATING)

    def run(self, instance: InstanceId) -> None:
        """Its start has worked."""
        if self.there[instance].observed is Observed.CREATING:
            self._become(instance, Observed.RUNNING)

    def exit(self, instance: InstanceId, code: int) -> None:
        """It ends, if it is there."""
        if instance in self.alive():
            self._become(instance, Observed.EXITED, code)

    def vanish(self, instance: InstanceId) -> None:
        """It is gone without a trace; only a full list can tell."""
        del self.there[instance]

    def relist(self, picture: Snapshot) -> None:
        """A full list: what is there, and as lost what was seen before and is there no more."""
        for each in self.there.values():
            self._say(each)
        for each in picture.all_instances():
            if each.observed in _ALIVE and each.id not in self.there:
                self._say(Report(each.id.execution_id, each.id, Observed.LOST))

    def _become(self, instance: InstanceId, observed: Observed, code: int | None = None) -> None:
        self.there[instance] = Report(instance.execution_id, instance, observed, code)
        self._say(self.there[instance])

    def _say(self, report: Report) -> None:
        self.reports.append(report)
        self.unread.append(report)
