"""The platform: its queue, its nodes, who answers, and when something would start."""

from __future__ import annotations

from collections.abc import Iterable

from zoe_client.display._blocks import Bar, Block, Cell, Facts, Link, Note, Several, Table, Title
from zoe_client.display._links import page
from zoe_client.display._words import Badge
from zoe_core.amount import describe_memory
from zoe_core.protocol import rest, rest_platform

SHOWN = 50
"""Entries of the queue that are shown from its beginning, besides one's own."""

AWAY = Badge("Scheduler away", "failed")
_ONLINE = Badge("Online", "running")
_DRAINING = Badge("Draining", "waiting")
_PRESSURED = Badge("Short of memory", "waiting")
_OFFLINE = Badge("Offline", "failed")


def queue_blocks(
    queue: rest_platform.Queue, reader: str = "", base: str = "", badges: tuple[Badge, ...] = ()
) -> list[Block]:
    """What waits, in order; what belongs to ``reader`` stands out."""
    heading = Title("Queue", _scheduler(queue.scheduler) + badges, _count(len(queue.items)))
    if not queue.items:
        return [heading, Note("Nothing waits.")]
    shown = [
        each
        for number, each in enumerate(queue.items)
        if number < SHOWN or (reader and each.user == reader)
    ]
    rows = tuple(_entry(each, base) for each in shown)
    mine = frozenset(n for n, each in enumerate(shown) if reader and each.user == reader)
    blocks: list[Block] = [
        heading,
        Table(("Place", "Execution", "Whose", "Expected start", "Why it waits"), rows, mine),
    ]
    left = len(queue.items) - len(shown)
    return [*blocks, Note(f"And {left} more.")] if left else blocks


def cluster_blocks(cluster: rest_platform.Cluster, badges: tuple[Badge, ...] = ()) -> list[Block]:
    """The nodes, with what is reserved of them and what is used."""
    count = len(cluster.items)
    quiet = "1 node" if count == 1 else f"{count} nodes"
    heading = Title("Cluster", _scheduler(cluster.scheduler) + badges, quiet)
    if not cluster.items:
        return [heading, Note("No node is known.", "warning")]
    gpus = any(each.capacity.gpus for each in cluster.items)
    columns = ("Node", "State", "Cores reserved", "Memory reserved") + (
        ("GPUs reserved",) if gpus else ()
    )
    return [heading, Table(columns, tuple(_node(each, gpus) for each in cluster.items))]


def info_blocks(info: rest_platform.Info) -> list[Block]:
    """What answers, and who is asking."""
    caller = info.caller
    allowed = ", ".join(sorted(each.removeprefix("custom:zoe:") for each in caller.scopes))
    rows: list[tuple[str, Cell]] = [
        ("You are", caller.name),
        ("You may", allowed or "look only"),
        ("Back-end", info.backend or "not known yet"),
        ("Deployment", info.deployment),
    ]
    if caller.groups:
        rows.insert(1, ("Your groups", ", ".join(caller.groups)))
    running = info.scheduler.status == "running"
    badge = Badge("Scheduler running", "running") if running else AWAY
    return [Title(f"Zoe {info.version}", (badge,)), Facts(tuple(rows))]


def estimates_table(estimates: Iterable[rest.Estimate]) -> Table:
    """When it would start, for each set of parameters."""
    rows = (
        (
            ", ".join(f"{key} = {value}" for key, value in each.parameters.items()) or "as it is",
            each.text,
        )
        for each in estimates
    )
    return Table(("With", "Expected start"), tuple(rows))


def _count(waiting: int) -> str:
    return f"{waiting} waiting" if waiting else ""


def _scheduler(scheduler: rest_platform.Scheduler) -> tuple[Badge, ...]:
    return () if scheduler.status == "running" else (AWAY,)


def _entry(entry: rest_platform.QueueEntry, base: str) -> tuple[Cell, ...]:
    known = entry.name is not None
    url = page(f"executions/{entry.execution_id}", base) if known and base else ""
    return (
        "?" if entry.position is None else str(entry.position),
        Link(f"{entry.execution_id}: {entry.name}" if known else str(entry.execution_id), url),
        entry.user or "somebody else",
        entry.expected.text if entry.expected else "",
        " ".join(entry.reasons),
    )


def _node(node: rest_platform.Node, gpus: bool) -> tuple[Cell, ...]:
    has, held, used = node.capacity, node.reserved, node.used
    cores = f"{held.cores:g} of {has.cores:g}"
    memory = f"{describe_memory(held.memory)} of {describe_memory(has.memory)}"
    if used is not None:
        cores += f", {used.cores:g} used"
        memory += f", {describe_memory(used.memory)} used"
    cells: tuple[Cell, ...] = (
        node.name,
        _state(node),
        Bar(held.cores, has.cores, cores),
        Bar(held.memory, has.memory, memory),
    )
    if not gpus:
        return cells
    return (*cells, Bar(held.gpus, has.gpus, f"{held.gpus} of {has.gpus}") if has.gpus else "none")


def _state(node: rest_platform.Node) -> Cell:
    if not node.online:
        return Several((_OFFLINE, _DRAINING)) if node.draining else _OFFLINE
    badges = (_DRAINING,) * node.draining + (_PRESSURED,) * node.pressured
    return Several(badges) if badges else _ONLINE
