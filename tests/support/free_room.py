"""What is free on the nodes of a snapshot, counted without the scheduler: to check it by."""

from zoe_core.amount import Amount
from zoe_core.cluster import Snapshot


def free_room(picture: Snapshot) -> dict[str, Amount]:
    """Capacity less reservations of each node; every instance that is not seen gone holds its room.

    Amounts may be negative after a node shrank.
    """
    free = {name: node.capacity for name, node in picture.nodes.items()}
    for instance in picture.all_instances():
        if instance.holds_reservation and instance.node in free:
            free[instance.node] = free[instance.node] - instance.reservation
    return free
