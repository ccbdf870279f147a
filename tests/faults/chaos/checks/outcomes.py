"""Every execution has ended as its program says, whatever was killed meanwhile."""

import re
from collections.abc import Iterator

from tests.faults.chaos.customers import Order
from tests.faults.chaos.evidence import Evidence
from tests.faults.chaos.programs import KINDS

# A Hub or a master that was stopped in order takes along what runs: that is no fault.
_WITH_PORTAL = re.compile(
    r"It was ended because the portal was stopped\.|.*It was stopped together with the portal\."
)


def check_outcomes(evidence: Evidence, orders: list[Order]) -> Iterator[str]:
    """The final status and its reason are those of the kind."""
    kinds = {order.execution_id: order.kind for order in orders}
    for row in evidence.executions:
        if row.id not in kinds or (row.reason and _WITH_PORTAL.fullmatch(row.reason)):
            continue
        status, pattern = KINDS[kinds[row.id]].outcome
        if row.status != status or not re.fullmatch(pattern, row.reason or ""):
            yield (
                f"execution {row.id}: as {kinds[row.id]} it should be {status} because of "
                f"{pattern!r}, and is {row.status}: {row.reason!r}"
            )
