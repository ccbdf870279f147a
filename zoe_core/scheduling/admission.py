"""Could this ZApp ever start here? Asked at submission, against the last known nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from zoe_core.amount import Amount
from zoe_core.cluster import Node, Snapshot
from zoe_core.scheduling.gang import essential_demand, total_of
from zoe_core.scheduling.nodes.room import Misfit, Room
from zoe_core.scheduling.placement import BestFit, Pack, Placement, Spread
from zoe_core.zapp import Problem, Service, SiteDefaults, ZApp

ANY: Sequence[Placement] = (Spread(), Pack(), BestFit())
"""For who does not know how the master places: only what none of these can place is refused."""


def could_ever_fit(
    zapp: ZApp,
    nodes: Sequence[Node],
    defaults: SiteDefaults,
    placements: Sequence[Placement] = ANY,
) -> tuple[Problem, ...]:
    """What makes it impossible to start the essential gang even if all nodes were empty.

    ``placements`` are those that the master may use. Nodes that are offline or draining count: they
    may come back. No nodes known yet: no objection.
    """
    if not nodes:
        return ()
    problems = tuple(_impossible_services(zapp, nodes, defaults))
    if problems or sum(service.essential_count for service in zapp.services) <= 1:
        return problems  # what is alone has a node of its own
    return _impossible_gang(zapp, nodes, defaults, placements)


def _impossible_services(
    zapp: ZApp, nodes: Sequence[Node], defaults: SiteDefaults
) -> Iterable[Problem]:
    for number, service in enumerate(zapp.services):
        field = f"services[{number}]"
        offering = [node for node in nodes if node.images is None or service.image in node.images]
        able = [node for node in offering if node.labels.issuperset(service.labels)]
        if not offering:
            yield Problem(f"{field}.image", _why_no_image(service, nodes))
        elif not able:
            yield Problem(f"{field}.labels", _why_no_label(service, nodes, offering))
        elif service.essential_count and not any(
            service.reservation(defaults).fits_in(node.capacity) for node in able
        ):
            yield Problem(f"{field}.resources", _why_too_large(service, able, defaults))


def _why_no_image(service: Service, nodes: Sequence[Node]) -> str:
    missing = {
        node.missing_images[service.image] for node in nodes if service.image in node.missing_images
    }
    if missing:
        return " ".join(sorted(missing))
    offered = sorted(set().union(*(node.images or () for node in nodes)))
    return f"is {service.image!r}: no node can start it; known are {', '.join(offered) or 'none'}"


def _why_no_label(service: Service, nodes: Sequence[Node], offering: Sequence[Node]) -> str:
    """The labels that no node has, or else those that no node has together."""
    there = set().union(*(node.labels for node in offering))
    lacking = sorted(set(service.labels) - there) or sorted(set(service.labels))
    which = f"the label {lacking[0]}" if len(lacking) == 1 else f"the labels {', '.join(lacking)}"
    able = "" if len(offering) == len(nodes) else f" that can start {service.image!r}"
    return f"no node{able} has {which}"


def _why_too_large(service: Service, able: Sequence[Node], defaults: SiteDefaults) -> str:
    wanted = service.reservation(defaults)
    largest = max(able, key=lambda node: _nearness(wanted, node.capacity))
    restricted = f" with {', '.join(sorted(service.labels))}" if service.labels else ""
    return (
        f"{service.name} needs {wanted.describe()} for each instance; the largest node"
        f"{restricted}, {largest.name}, has {largest.capacity.describe()}"
    )


def _nearness(wanted: Amount, capacity: Amount) -> tuple[int, int, int]:
    """A node without the GPUs is never the nearest to what needs them, however large it is."""
    return min(wanted.gpus, capacity.gpus), capacity.memory, capacity.millicores


def _impossible_gang(
    zapp: ZApp, nodes: Sequence[Node], defaults: SiteDefaults, placements: Sequence[Placement]
) -> tuple[Problem, ...]:
    """Place the gang on the empty nodes, just as the decision would."""
    ready = [
        node if node.online and not node.draining else replace(node, online=True, draining=False)
        for node in nodes
    ]
    empty = Room.beside(Snapshot.of(ready, (), ()))
    demand = essential_demand(zapp, defaults)
    if any(not isinstance(empty.copy().place_gang(demand, each), Misfit) for each in placements):
        return ()
    capacity = sum((node.capacity for node in nodes), Amount())
    return (
        Problem(
            "services",
            f"the {sum(count for _, count in demand)} essential instances need "
            f"{total_of(demand).describe()} at once; the nodes ({len(nodes)}) have "
            f"{capacity.describe()} in all",
        ),
    )
