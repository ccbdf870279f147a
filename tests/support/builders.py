"""Short ways to make nodes, ZApps, executions and instances: a test names only what matters to it.

Memory is in GB here (2**30 bytes), so that cases read like a table.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from zoe_core.amount import Amount
from zoe_core.cluster import (
    Desired,
    ExecutionStatus,
    ExecutionView,
    InstanceId,
    InstanceView,
    Node,
    Observed,
    Snapshot,
)
from zoe_core.scheduling import Plan, SchedulingSettings, decide
from zoe_core.zapp import SiteDefaults, ZApp, parse_zapp

GB = 2**30
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DEFAULTS = SiteDefaults()


def after(seconds: float) -> datetime:
    """The moment ``seconds`` after ``START``."""
    return START + timedelta(seconds=seconds)


def amount(memory: float = 1, cores: float = 1) -> Amount:
    """``memory`` in GB."""
    return Amount.of(int(memory * GB), cores)


def node(name: str = "node-0", memory: float = 8, cores: float = 8, **fields: Any) -> Node:
    """A node that accepts any image; other fields of ``Node`` may be given."""
    return Node(name, amount(memory, cores), **fields)


def service(
    name: str = "main",
    *,
    essential: int = 1,
    elastic: int = 0,
    memory: float = 1,
    cores: float = 1,
    monitor: bool = True,
    gpus: int = 0,
    **fields: Any,
) -> dict[str, Any]:
    """The document of a service; other fields of the format may be given."""
    return {
        "name": name,
        "image": "test",
        "monitor": monitor,
        "total_count": essential + elastic,
        "essential_count": essential,
        "resources": {
            "memory": {"min": int(memory * GB), "max": None},
            "cores": {"min": cores, "max": None},
            "gpus": gpus,
        },
        **fields,
    }


def worker(**fields: Any) -> dict[str, Any]:
    """A service ``worker`` that is no monitor."""
    return service(**({"name": "worker", "monitor": False} | fields))


def zapp(*services: dict[str, Any], **fields: Any) -> ZApp:
    """A ZApp of these services, or of one ``main``; other generic attributes may be given."""
    document = {"name": "app", "version": 4, "services": list(services) or [service()], **fields}
    return parse_zapp(document).zapp


def execution(
    number: int = 1,
    *services: dict[str, Any],
    status: ExecutionStatus | str = ExecutionStatus.QUEUED,
    limit: float | None = None,
    priority: str = "normal",
    **fields: Any,
) -> ExecutionView:
    """Execution ``number``, submitted as many seconds after START; ``limit``: of its runtime."""
    generic = {"priority": priority} | ({} if limit is None else {"runtime_limit": limit})
    defaults = {
        "user": "alice",
        "name": "test",
        "zapp": zapp(*services, **generic),
        "submitted_at": after(number),
    }
    return ExecutionView(id=number, status=ExecutionStatus(status), **(defaults | fields))


def instance(
    execution_id: int = 1,
    service: str = "main",
    index: int = 0,
    attempt: int = 1,
    *,
    node: str = "node-0",
    memory: float = 1,
    cores: float = 1,
    **fields: Any,
) -> InstanceView:
    """An essential monitor, present and running, unless fields say otherwise."""
    defaults = {
        "essential": True,
        "monitor": service == "main",
        "desired": Desired.PRESENT,
        "observed": Observed.RUNNING,
    }
    if fields.get("observed", Observed.RUNNING) in (Observed.RUNNING, Observed.EXITED):
        defaults["started_at"] = START
    return InstanceView(
        InstanceId(execution_id, service, index, attempt),
        node,
        amount(memory, cores),
        **(defaults | fields),
    )


def snapshot(
    nodes: Iterable[Node] | Node = (),
    executions: Iterable[ExecutionView] | ExecutionView = (),
    instances: Iterable[InstanceView] | InstanceView = (),
) -> Snapshot:
    """A snapshot of loose parts; single ones need no brackets."""
    return Snapshot.of(
        [nodes] if isinstance(nodes, Node) else nodes,
        [executions] if isinstance(executions, ExecutionView) else executions,
        [instances] if isinstance(instances, InstanceView) else instances,
    )


def plan(picture: Snapshot, seconds: float = 0, **settings: Any) -> Plan:
    """The decision as many seconds after START, of a site with default settings but for these."""
    return decide(picture, SchedulingSettings(**settings), after(seconds))


def started(made: Plan) -> list[int]:
    """The executions whose gangs start."""
    return [gang.execution_id for gang in made.gangs]


def places(instances: Iterable[InstanceView]) -> dict[str, str]:
    """The node of each instance, by name and attempt: ``{"1/main-0#1": "node-0"}``."""
    return {str(each.id): each.node for each in instances}
