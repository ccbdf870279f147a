"""What is asked of the forecasting process, and what it answers; both travel as pickles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zoe_core.scheduling import SchedulingSettings, StartRules
from zoe_core.waiting import StartEstimate
from zoe_master.forecast.sync import Update


@dataclass(frozen=True, slots=True)
class Candidates:
    """ZApps that a user might launch now, each by itself; the descriptions as documents."""

    user: str
    groups: tuple[str, ...]
    descriptions: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Job:
    """Work out when all that waits starts, or, if there are ``candidates``, when those would.

    ``deadline`` is a moment of the machine's monotonic clock, by which there is to be an answer.
    """

    update: Update
    settings: SchedulingSettings
    rules: StartRules
    now: datetime
    deadline: float
    candidates: Candidates | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The starts of what waits, by execution; or those of the candidates, in their order."""

    waiting: Mapping[int, StartEstimate] = field(default_factory=dict)
    candidates: tuple[StartEstimate, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no forecast; ``reason`` is a sentence for people."""

    reason: str
