"""How a site wants its requests scheduled."""

from __future__ import annotations

from dataclasses import dataclass, field

from zoe_core.scheduling.placement import Placement, Spread
from zoe_core.scheduling.policies import Fifo, Policy
from zoe_core.zapp import SiteDefaults

MAX_OVERTAKE = 100
"""Starts of others that may delay a request that comes before them, when nobody can tell whether
they do."""


@dataclass(frozen=True, slots=True)
class SchedulingSettings:
    """The policy, the placement, and what a service reserves that does not say what it needs."""

    policy: Policy = field(default_factory=Fifo)
    placement: Placement = field(default_factory=Spread)
    defaults: SiteDefaults = field(default_factory=SiteDefaults)
    max_overtake: int = MAX_OVERTAKE
