"""One frozen picture of the whole deployment, the input of every decision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from zoe_core.cluster.execution import ExecutionView
from zoe_core.cluster.instance import InstanceId, InstanceView
from zoe_core.cluster.node import Node
from zoe_core.cluster.past_use import PastUse
from zoe_core.cluster.quota import Quotas

Instances = Mapping[InstanceId, InstanceView]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Nodes by name, live executions by id, and for each execution its instances, all attempts.

    ``past`` is what users have used, as it was last counted.
    """

    nodes: Mapping[str, Node]
    executions: Mapping[int, ExecutionView]
    instances: Mapping[int, Instances]
    quotas: Quotas = field(default_factory=Quotas)
    past: PastUse = field(default_factory=PastUse)

    @classmethod
    def of(
        cls,
        nodes: Iterable[Node],
        executions: Iterable[ExecutionView],
        instances: Iterable[InstanceView],
    ) -> Snapshot:
        """Sort loose parts into a snapshot."""
        live = {each.id: each for each in executions}
        grouped: dict[int, dict[InstanceId, InstanceView]] = {each: {} for each in live}
        for instance in instances:
            grouped[instance.id.execution_id][instance.id] = instance
        return cls({node.name: node for node in nodes}, live, grouped)

    def instances_of(self, execution_id: int) -> Iterable[InstanceView]:
        """The instances of one execution, all attempts, in no particular order."""
        return self.instances.get(execution_id, {}).values()

    def all_instances(self) -> Iterator[InstanceView]:
        """The instances of all executions."""
        return (each for mine in self.instances.values() for each in mine.values())
