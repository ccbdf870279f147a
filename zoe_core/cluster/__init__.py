"""What the scheduler sees: frozen views of nodes, executions, instances, and their legal moves."""

from zoe_core.cluster.execution import (
    FINAL,
    ExecutionStatus,
    ExecutionView,
    IllegalTransition,
    Outcome,
    check_transition,
)
from zoe_core.cluster.instance import (
    Desired,
    InstanceId,
    InstanceView,
    Observed,
)
from zoe_core.cluster.node import Capabilities, Node
from zoe_core.cluster.past_use import PastUse
from zoe_core.cluster.quota import NO_LIMIT, Quota, Quotas
from zoe_core.cluster.snapshot import Snapshot

__all__ = [
    "FINAL",
    "NO_LIMIT",
    "Capabilities",
    "Desired",
    "ExecutionStatus",
    "ExecutionView",
    "IllegalTransition",
    "InstanceId",
    "InstanceView",
    "Node",
    "Observed",
    "Outcome",
    "PastUse",
    "Quota",
    "Quotas",
    "Snapshot",
    "check_transition",
]
