"""An instance of a service: its identity, what is wanted of it, and what was last seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from zoe_core.amount import Amount


class Desired(StrEnum):
    """What the plan wants."""

    PRESENT = "present"
    ABSENT = "absent"


class Observed(StrEnum):
    """What the back-end last reported. ``NONE``: nothing with this identity exists there."""

    NONE = "none"
    CREATING = "creating"
    RUNNING = "running"
    EXITED = "exited"
    LOST = "lost"


@dataclass(frozen=True, slots=True, order=True)
class InstanceId:
    """One attempt of one instance; unique within a deployment, for ever.

    ``index`` counts from 0 within its service, ``attempt`` from 1. The service is given by its DNS
    label, so that ``name`` is fit for host names, container names and paths.
    """

    execution_id: int
    service: str
    index: int
    attempt: int = 1

    @property
    def name(self) -> str:
        """What people call it, the same over attempts: ``spark-worker-0``."""
        return f"{self.service}-{self.index}"

    def container_name(self, deployment: str) -> str:
        """The deterministic name on an engine: ``zoe-<deployment>-42-spark-worker-0-1``."""
        return f"zoe-{deployment[:8]}-{self.execution_id}-{self.name}-{self.attempt}"

    def __str__(self) -> str:
        return f"{self.execution_id}/{self.name}#{self.attempt}"


@dataclass(frozen=True, slots=True)
class InstanceView:
    """The state of one instance, as the master holds it in memory and in the database."""

    id: InstanceId
    node: str
    reservation: Amount
    essential: bool
    monitor: bool
    desired: Desired = Desired.PRESENT
    observed: Observed = Observed.NONE
    exit_code: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str | None = None
    addresses: tuple[tuple[int, str, int], ...] = ()
    """Where the portal reaches its ports while it runs: port, host, port on that host."""
    devices: tuple[str, ...] = ()
    """Ids of the GPUs of its node that it alone has, as many as its reservation says."""

    @property
    def gone(self) -> bool:
        """It was seen to have ended, or not to be there, and will not be started again.

        One that was merely given up before it was seen is not: its start may be under way.
        """
        return self.observed in (Observed.EXITED, Observed.LOST)

    @property
    def leaving(self) -> bool:
        """It is not wanted any more, and still there, or may still come."""
        return self.desired is Desired.ABSENT and not self.gone

    @property
    def holds_reservation(self) -> bool:
        """Its room and its GPUs are taken until it is seen gone, also while it is leaving."""
        return not self.gone
