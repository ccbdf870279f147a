"""What starts now, what waits and why: pure decisions on a frozen snapshot."""

from zoe_core.scheduling.admission import could_ever_fit
from zoe_core.scheduling.explain import explain
from zoe_core.scheduling.lifecycle.advance import Advance, Happened
from zoe_core.scheduling.lifecycle.effects import Effects, Stop, effects
from zoe_core.scheduling.lifecycle.reconcile import Reconciler, StartRules
from zoe_core.scheduling.placement import Placement, Spread
from zoe_core.scheduling.plan import Blocker, Gang, Plan, Verdict
from zoe_core.scheduling.policies import Fifo, Policy
from zoe_core.scheduling.scheduler import Scheduler, decide
from zoe_core.scheduling.settings import SchedulingSettings

__all__ = [
    "Advance",
    "Blocker",
    "Effects",
    "Fifo",
    "Gang",
    "Happened",
    "Placement",
    "Plan",
    "Policy",
    "Reconciler",
    "Scheduler",
    "SchedulingSettings",
    "Spread",
    "StartRules",
    "Stop",
    "Verdict",
    "could_ever_fit",
    "decide",
    "effects",
    "explain",
]
