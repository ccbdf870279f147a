"""What must hold after the chaos. Each check returns what is wrong, in words; nothing: all is well.

A finding about one execution begins with `execution 7:`, so that its story can be shown.
"""

from collections.abc import Iterator, Sequence

from tests.faults.chaos.checks.back_end import check_back_end
from tests.faults.chaos.checks.history import check_history
from tests.faults.chaos.checks.orders import check_orders
from tests.faults.chaos.checks.outcomes import check_outcomes
from tests.faults.chaos.checks.remains import check_remains
from tests.faults.chaos.checks.stream import check_stream
from tests.faults.chaos.customers import Order
from tests.faults.chaos.evidence import Evidence
from tests.faults.chaos.ground import Runs


def check_all(
    evidence: Evidence,
    orders: list[Order],
    runs: Runs,
    leftovers: list[str],
    seen: Sequence[int],
) -> Iterator[str]:
    """All findings."""
    yield from check_orders(evidence, orders)
    yield from check_history(evidence)
    yield from check_outcomes(evidence, orders)
    yield from check_back_end(evidence, orders, runs)
    yield from check_remains(evidence, leftovers)
    yield from check_stream(evidence, seen)
