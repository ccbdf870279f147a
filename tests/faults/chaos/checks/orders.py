"""Nothing acknowledged is lost, nothing is doubled."""

from collections import defaultdict
from collections.abc import Iterator

from tests.faults.chaos.customers import Order
from tests.faults.chaos.evidence import Evidence


def check_orders(evidence: Evidence, orders: list[Order]) -> Iterator[str]:
    """Each order is one execution: the one that its customer was told of."""
    stored = defaultdict(list)
    for row in evidence.executions:
        stored[row.idempotency_key].append(row.id)
    for key in stored.keys() - {order.key for order in orders}:
        yield f"executions {stored[key]} have the key {key!r}, which nobody has used"
    for order in orders:
        if order.execution_id is None:
            yield f"{order.key} was never acknowledged; stored for it is {stored[order.key]}"
        elif stored[order.key] != [order.execution_id]:
            yield (
                f"execution {order.execution_id}: it was acknowledged for {order.key}, for which "
                f"{stored[order.key]} is stored"
            )
