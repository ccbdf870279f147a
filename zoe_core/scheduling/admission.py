"""Could this ZApp ever start here? Asked at submission, against the last known nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_core.scheduling.gang import essential_instances
from zoe_core.scheduling.placement import Misfit, Room, Spread, place_gang
from zoe_core.zapp import Problem, Service, SiteDefaults, ZApp


def could_ever_fit(
    zapp: ZApp, nodes: Sequence[Node], defaults: SiteDefaults
) -> tuple[Problem, ...]:
    """What makes it impossible to start the essential gang even if all nodes were empty.

    Nodes that are offline or draining count: they may come back. No nodes known yet: no objection.
    """
    if not nodes:
        return ()
    problems = tuple(_impossible_services(zapp, nodes, defaults))
    return problems or _impossible_gang(zapp, nodes, defaults)


def _impossible_services(
    zapp: ZApp, nodes: Sequence[Node], defaults: SiteDefaults
) -> Iterable[Problem]:
    for number, service in enumerate(zapp.services):
        field = f"services[{number}]"
        able = [node for node in nodes if node.images is None or service.image in node.images]
        if not able:
            yield Problem(f"{field}.image", _why_no_node(service, nodes))
        elif service.essential_count and not any(
            service.reservation(defaults).fits_in(node.capacity) for node in able
        ):
            largest = max(able, key=lambda node: (node.capacity.memory, node.capacity.millicores))
            yield Problem(
                f"{field}.resources",
                f"{service.name} needs {service.reservation(defaults).describe()} for each "
                f"instance; the largest node, {largest.name}, has {largest.capacity.describe()}",
            )


def _why_no_node(service: Service, nodes: Sequence[Node]) -> str:
    missing = {
        node.missing_images[service.image] for node in nodes if service.image in node.missing_images
    }
    if missing:
        return " ".join(sorted(missing))
    offered = sorted(set().union(*(node.images or () for node in nodes)))
    return f"is {service.image!r}: no node can start it; known are {', '.join(offered) or 'none'}"


def _impossible_gang(
    zapp: ZApp, nodes: Sequence[Node], defaults: SiteDefaults
) -> tuple[Problem, ...]:
    """Place the gang on the empty nodes, just as the decision would."""
    room = Room(
        {node.name: _ready(node) for node in nodes}, {node.name: node.capacity for node in nodes}
    )
    wanted = essential_instances(0, zapp, (), defaults)
    if not isinstance(place_gang(wanted, room, Spread()), Misfit):
        return ()
    total = sum((each.amount for each in wanted), Amount())
    capacity = sum((node.capacity for node in nodes), Amount())
    return (
        Problem(
            "services",
            f"the {len(wanted)} essential instances need {total.describe()} at once; the nodes "
            f"({len(nodes)}) have {capacity.describe()} in all",
        ),
    )


def _ready(node: Node) -> Node:
    return Node(node.name, node.capacity, node.labels, images=node.images)
