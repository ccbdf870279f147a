"""The decision as a whole, and its incremental form, which keeps what it knows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from zoe_core.amount import Amount
from zoe_core.cluster import Snapshot
from zoe_core.scheduling.decision.decide import plan
from zoe_core.scheduling.plan import Plan
from zoe_core.scheduling.settings import SchedulingSettings
from zoe_core.scheduling.state.picture import Picture


class Scheduler:
    """Decides again and again on pictures that differ little.

    Equal to ``decide`` on the newest picture, at a cost that grows with what changed.
    """

    def __init__(self, snapshot: Snapshot, settings: SchedulingSettings) -> None:
        self._picture = Picture(snapshot, settings)

    def update(self, snapshot: Snapshot, changed: Collection[int]) -> None:
        """Take the picture that follows; ``changed``: the executions that are not as they were.

        New, changed and ended ones, by themselves or by an instance. Nodes and quotas are looked at
        again when they are other objects than before.
        """
        self._picture.update(snapshot, changed)

    def decide(self, now: datetime) -> Plan:
        """Plan what starts now."""
        return plan(self._picture, now)

    def held(self) -> dict[str, Amount]:
        """What users hold in the newest picture; who holds nothing is left out."""
        return self._picture.holdings.by_user()


def decide(snapshot: Snapshot, settings: SchedulingSettings, now: datetime) -> Plan:
    """Plan what starts now. Equal input gives an equal plan."""
    return Scheduler(snapshot, settings).decide(now)
