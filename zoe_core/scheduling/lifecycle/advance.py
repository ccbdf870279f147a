"""What changes in one step: a ledger of new views, with the event that tells each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from zoe_core.cluster import (
    FINAL,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Snapshot,
    check_transition,
)
from zoe_core.cluster.snapshot import Instances

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Happened:
    """An event for the log: what happened to an execution.

    ``status``: it moved, data has ``from``, ``to`` and ``reason``. ``instance``: something was
    wanted or seen of an instance. ``hold``, with its ``reason``, and ``release``. ``changed``: what
    is other than it was, and ``by`` whom; ``not_changed``, with its ``reason``.
    """

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

    def touched(self) -> set[int]:
        """The executions that changed, by themselves or by an instance."""
        return self.executions.keys() | {each.execution_id for each in self.instances}


class Ledger:
    """A snapshot, which is never changed, and over it what became of its parts.

    Costs what changes, beside one copy of each dictionary for a new snapshot.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._old = snapshot
        self._executions: dict[int, ExecutionView] = {}  # those that are new or not as they were
        self._instances: dict[int, dict[InstanceId, InstanceView]] = {}  # likewise, by execution
        self._own: set[int] = set()  # those of `_instances` that nobody else has seen
        self._newest: Snapshot | None = snapshot  # None: something changed after it
        self.advance = Advance()

    def snapshot(self) -> Snapshot:
        """The picture with all changes so far; ended executions are no longer in it."""
        if self._newest is None:
            self._newest = self._draw()
            self._own.clear()  # from now on they must not change
        return self._newest

    def _draw(self) -> Snapshot:
        executions, instances = _copy(self._old.executions), _copy(self._old.instances)
        executions.update(self._executions)
        instances.update(self._instances)
        for execution in self._executions.values():
            if execution.status in FINAL:
                del executions[execution.id]
                instances.pop(execution.id, None)
        return replace(self._old, executions=executions, instances=instances)

    def execution(self, execution_id: int) -> ExecutionView | None:
        """An execution as it is now, also one that has ended in this step."""
        return self._executions.get(execution_id) or self._old.executions.get(execution_id)

    def instance(self, instance_id: InstanceId) -> InstanceView | None:
        """An instance as it is now."""
        return self._mine(instance_id.execution_id).get(instance_id)

    def instances_of(self, execution_id: int) -> list[InstanceView]:
        """All attempts at the instances of an execution, in order."""
        mine = self._mine(execution_id)
        return [mine[each] for each in sorted(mine)]

    def _mine(self, execution_id: int) -> Instances:
        changed = self._instances.get(execution_id)
        return self._old.instances.get(execution_id, {}) if changed is None else changed

    def admit(self, execution: ExecutionView) -> None:
        """An execution that was not in the snapshot; not a change by itself."""
        self._executions[execution.id] = execution
        self._instances[execution.id] = {}
        self._newest = None

    def put(self, execution: ExecutionView) -> None:
        """A new view of an execution."""
        self._executions[execution.id] = self.advance.executions[execution.id] = execution
        self._newest = None

    def put_instance(self, instance: InstanceView) -> None:
        """A new view of an instance, or a new instance."""
        execution_id = instance.id.execution_id
        if execution_id not in self._own:
            self._instances[execution_id] = dict(self._mine(execution_id))
            self._own.add(execution_id)
        self._instances[execution_id][instance.id] = instance
        self._newest = None
        self.advance.instances[instance.id] = instance
        self.tell(
            execution_id,
            "instance",
            name=instance.id.name,
            attempt=instance.id.attempt,
            node=instance.node,
            desired=instance.desired.value,
            observed=instance.observed.value,
            exit_code=instance.exit_code,
            detail=instance.detail,
        )

    def move(self, execution_id: int, status: ExecutionStatus, reason: str | None = None) -> None:
        """Move an execution along the table; raises IllegalTransition."""
        execution = self.execution(execution_id)
        assert execution is not None, "a move of an execution that nobody knows"
        check_transition(execution.status, status)
        self.put(replace(execution, status=status))
        # Not keywords: `from` is one of Python's own.
        data = {"from": execution.status.value, "to": status.value, "reason": reason}
        self.tell(execution_id, "status", **data)

    def tell(self, execution_id: int, kind: str, **data: Any) -> None:
        """Add an event to the log."""
        self.advance.events.append(Happened(execution_id, kind, data))


def _copy(mapping: Mapping[int, _Value]) -> dict[int, _Value]:
    """``dict(…)`` inserts anew what a dictionary that ever lost something holds: 4 times slower."""
    return mapping.copy() if isinstance(mapping, dict) else dict(mapping)
