"""The nodes as cards: their state, what is held and used there, and what one may do about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from zoe_core.protocol.rest import Resources
from zoe_core.protocol.rest_platform import Node, NodeUse
from zoe_hub.portal.presenters.admin import Bar, node_bar
from zoe_hub.portal.presenters.executions import Badge
from zoe_hub.portal.presenters.times import Moment, moment
from zoe_store.cluster import Stranger
from zoe_store.drains import Drain


@dataclass(frozen=True, slots=True)
class Odd:
    """An instance that nothing explains."""

    name: str
    why: str
    since: Moment | None


@dataclass(frozen=True, slots=True)
class Card:
    """One node. ``path`` is its name in addresses.

    ``drained_by`` is who wants it drained; empty when it is drained by the back-end's settings, or
    not at all. ``may_drain``, ``may_use``: which of the two buttons makes sense.
    """

    name: str
    path: str
    badges: tuple[Badge, ...]
    bars: tuple[Bar, ...]
    labels: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    strangers: tuple[Odd, ...]
    drained_by: str
    drained_at: Moment | None
    may_drain: bool
    may_use: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """The drain of a node that is not there."""

    name: str
    path: str
    by: str
    since: Moment


_ONLINE = Badge("Online", "running", "fa-circle-check")
_OFFLINE = Badge("Offline", "failed", "fa-plug-circle-xmark")
_DRAINING = Badge("Draining", "waiting", "fa-arrow-right-from-bracket")
_PRESSURED = Badge("Short of memory", "waiting", "fa-gauge-high")


def cards(
    nodes: Iterable[Node],
    wished: Mapping[str, Drain],
    strangers: Iterable[Stranger],
    now: datetime,
) -> list[Card]:
    """A card for each node; ``wished`` are the drains that administrators set, by node."""
    odd: defaultdict[str, list[Odd]] = defaultdict(list)
    for each in strangers:
        since = None if each.first_seen_at is None else moment(each.first_seen_at, now)
        odd[each.node].append(Odd(str(each.id), each.why, since))
    return [_card(node, wished.get(node.name), tuple(odd[node.name]), now) for node in nodes]


def _card(node: Node, drain: Drain | None, strangers: tuple[Odd, ...], now: datetime) -> Card:
    return Card(
        name=node.name,
        path=quote(node.name, safe=""),
        badges=tuple(_badges(node)),
        bars=tuple(_bars(node.reserved, node.capacity, node.used)),
        labels=node.labels,
        missing=tuple(node.missing_images.items()),
        strangers=strangers,
        drained_by=drain.by_user if drain else "",
        drained_at=moment(drain.at, now) if drain else None,
        may_drain=not node.draining,
        may_use=drain is not None,
    )


def _badges(node: Node) -> Iterable[Badge]:
    yield _ONLINE if node.online else _OFFLINE
    if node.draining:
        yield _DRAINING
    if node.pressured:
        yield _PRESSURED


def _bars(reserved: Resources, capacity: Resources, used: NodeUse | None) -> Iterable[Bar]:
    """What is reserved and used of each kind; of GPUs, where there are any, nobody measures use."""
    memory, cores = (used.memory, used.cores) if used else (None, None)
    yield node_bar("Memory", reserved.memory, capacity.memory, memory, memory=True)
    yield node_bar("Cores", reserved.cores, capacity.cores, cores)
    if capacity.gpus:
        yield node_bar("GPUs", reserved.gpus, capacity.gpus, None)


def summary(nodes: Sequence[Node]) -> tuple[Bar, ...]:
    """All nodes that are online together; nothing when that is one."""
    online = [node for node in nodes if node.online]
    if len(online) < 2:
        return ()
    reserved, capacity = _sum(n.reserved for n in online), _sum(n.capacity for n in online)
    return tuple(_bars(reserved, capacity, _sum_used(online)))


def _sum_used(nodes: Sequence[Node]) -> NodeUse | None:
    """None while it is not known of all."""
    known = [node.used for node in nodes if node.used is not None]
    if len(known) < len(nodes):
        return None
    return NodeUse(
        memory=sum(each.memory for each in known), cores=sum(each.cores for each in known)
    )


def _sum(amounts: Iterable[Resources]) -> Resources:
    found = list(amounts)
    return Resources(
        memory=sum(each.memory for each in found),
        cores=sum(each.cores for each in found),
        gpus=sum(each.gpus for each in found),
    )


def gone(nodes: Iterable[Node], wished: Mapping[str, Drain], now: datetime) -> list[Gone]:
    """The drains of nodes that are not there."""
    known = {node.name for node in nodes}
    return [
        Gone(name, quote(name, safe=""), drain.by_user, moment(drain.at, now))
        for name, drain in wished.items()
        if name not in known
    ]
