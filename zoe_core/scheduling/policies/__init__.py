"""The order in which requests are considered; sites add policies as entry points."""

from zoe_core.scheduling.policies.base import Accounts, Policy, Requests
from zoe_core.scheduling.policies.fair import Fair
from zoe_core.scheduling.policies.fifo import Fifo
from zoe_core.scheduling.policies.hrrn import Hrrn
from zoe_core.scheduling.policies.size import Size

__all__ = ["Accounts", "Fair", "Fifo", "Hrrn", "Policy", "Requests", "Size"]
