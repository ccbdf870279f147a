"""The order in which waiting requests are considered; sites add policies in ``zoe.policies``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from zoe_core.cluster import ExecutionView


class Policy(Protocol):
    """Orders the queue."""

    def order(self, queue: Iterable[ExecutionView], now: datetime) -> Sequence[ExecutionView]:
        """The waiting executions, first to start first."""


class Fifo:
    """First come, first served: by the time of submission, then by id."""

    def order(self, queue: Iterable[ExecutionView], now: datetime) -> Sequence[ExecutionView]:
        """See ``Policy``."""
        return sorted(queue, key=lambda execution: (execution.submitted_at, execution.id))
