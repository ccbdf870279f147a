"""What a database would hold after every step, with the rules that it must never see broken."""

from dataclasses import dataclass, field
from typing import Any

from zoe_core.amount import Amount
from zoe_core.cluster import (
    FINAL,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Observed,
    check_transition,
)
from zoe_core.scheduling import Advance

_ENDED = (Observed.EXITED, Observed.LOST)
_UP = (ExecutionStatus.STARTING, ExecutionStatus.RUNNING)


@dataclass
class Written:
    """The newest view of everything there ever was, and where the log says each execution is."""

    executions: dict[int, ExecutionView] = field(default_factory=dict)
    instances: dict[InstanceId, InstanceView] = field(default_factory=dict)
    statuses: dict[int, ExecutionStatus] = field(default_factory=dict)
    on_hold: dict[int, bool] = field(default_factory=dict)
    wanted: dict[tuple[int, str, int], str] = field(default_factory=dict)

    def take(self, advance: Advance) -> None:
        """Write a step down; fails when it breaks a rule."""
        for each in advance.instances.values():
            before = self.instances.get(each.id)
            if before is not None and before.observed in _ENDED:
                assert each.observed is before.observed, "what has ended stays so"
        self.executions |= advance.executions
        self.instances |= advance.instances
        for event in advance.events:
            self._read(event.execution_id, event.kind, event.data)

    def _read(self, execution_id: int, kind: str, data: Any) -> None:
        match kind:
            case "status":
                self._take_move(execution_id, data)
            case "hold" | "release":
                held = kind == "hold"
                assert self.on_hold.get(execution_id, False) is not held, "held or released twice"
                self.on_hold[execution_id] = held
            case "instance":
                self._take_wish(execution_id, data)

    def _take_wish(self, execution_id: int, data: Any) -> None:
        which = execution_id, data["name"], data["attempt"]
        before = self.wanted.get(which, data["desired"])
        self.wanted[which] = data["desired"]
        if (before, data["desired"]) == ("present", "absent"):
            up = self.statuses[execution_id] in _UP
            assert not (up and self._essential(*which[:2])), "an essential instance was taken back"
        else:
            assert before == data["desired"], "what was given up is wanted again"

    def _essential(self, execution_id: int, name: str) -> bool:
        mine = (each for each in self.instances.values() if each.id.execution_id == execution_id)
        return any(each.essential for each in mine if each.id.name == name)

    def _take_move(self, execution_id: int, data: Any) -> None:
        old, new = ExecutionStatus(data["from"]), ExecutionStatus(data["to"])
        check_transition(old, new)
        assert old is self.statuses.get(execution_id, ExecutionStatus.SUBMITTED), "a gap in the log"
        assert not (new is ExecutionStatus.STARTING and self.on_hold.get(execution_id))
        self.statuses[execution_id] = new

    def live(self) -> list[ExecutionView]:
        """The executions that have not ended."""
        return [each for each in self.executions.values() if each.status not in FINAL]

    def live_instances(self) -> list[InstanceView]:
        """All instances of those."""
        ids = {each.id for each in self.live()}
        return [each for each in self.instances.values() if each.id.execution_id in ids]

    def held(self) -> dict[str, Amount]:
        """What is reserved on each node, over all executions, ended ones too."""
        held: dict[str, Amount] = {}
        for each in self.instances.values():
            if each.observed not in _ENDED:
                held[each.node] = held.get(each.node, Amount()) + each.reservation
        return held
