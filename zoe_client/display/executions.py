"""Executions: one in full, and many as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from zoe_client.display._blocks import (
    Bar,
    Block,
    Cell,
    Facts,
    Link,
    Log,
    Note,
    Several,
    Table,
    Title,
)
from zoe_client.display._links import page
from zoe_client.display._words import (
    Badge,
    execution_badge,
    instance_badge,
    lasted,
    moment,
    resources,
)
from zoe_core.amount import describe_memory
from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.protocol import rest
from zoe_core.protocol.rest_use import ExecutionUse, InstanceUse

SHOWN_AHEAD = 5
"""Executions ahead in the queue that are named."""


def execution_blocks(
    execution: rest.Execution, base: str = "", badges: Sequence[Badge] = (), log: str = ""
) -> list[Block]:
    """All that is known of one; ``badges`` stand beside its state, ``log`` below."""
    blocks: list[Block] = [title(execution, base, badges)]
    if execution.waiting is not None:
        blocks.append(waiting_note(execution.waiting))
    elif execution.reason:
        tone = "wrong" if execution.status is ExecutionStatus.ERROR else ""
        blocks.append(Note(execution.reason, tone))
    blocks.append(facts(execution, base))
    if execution.instances:
        blocks.append(instances_table(execution.instances))
    return [*blocks, Log(log)]


def title(execution: rest.Execution, base: str, badges: Sequence[Badge] = ()) -> Title:
    """Its name, its state, and which it is."""
    zapp = execution.zapp or "own description"
    return Title(
        execution.name,
        (execution_badge(execution.status), *badges),
        f"execution {execution.id}, {zapp}",
        page(execution.url, base),
    )


def waiting_note(waiting: rest.Waiting) -> Note:
    """Its place in the queue, the reasons, and when it will probably start."""
    lines = []
    if waiting.position is not None:
        place = f"Number {waiting.position} in the queue."
        lines.append(f"{place} {waiting.expected.text}" if waiting.expected else place)
    elif waiting.expected is not None:
        lines.append(waiting.expected.text)
    lines += waiting.reasons
    if waiting.ahead:
        named = ", ".join(str(each) for each in waiting.ahead[:SHOWN_AHEAD])
        more = len(waiting.ahead) - SHOWN_AHEAD
        lines.append(f"Ahead of it: {named}" + (f" and {more} more." if more > 0 else "."))
    return Note("\n".join(lines) or "It waits.", "warning")


def facts(execution: rest.Execution, base: str = "") -> Facts:
    """When, with what, and where it can be opened."""
    rows: list[tuple[str, Cell]] = [("Submitted", moment(execution.submitted_at))]
    if execution.started_at:
        started = moment(execution.started_at)
        if execution.ended_at:
            started += f", ran for {lasted(execution.started_at, execution.ended_at)}"
        rows.append(("Started", started))
    if execution.ends_at:
        why = "it idles" if execution.ends_because == "idle" else "its runtime limit"
        rows.append(("Ends", f"{moment(execution.ends_at)}: {why}"))
    if execution.parameters:
        given = ", ".join(f"{key} = {value}" for key, value in execution.parameters.items())
        rows.append(("Parameters", given))
    if execution.endpoints and execution.status not in FINAL:
        links = tuple(Link(each.name, page(each.url, base)) for each in execution.endpoints)
        rows.append(("Open", Several(links)))
    if execution.results:
        links = tuple(Link(each.name, page(each.url, base)) for each in execution.results)
        rows.append(("Results", Several(links)))
    return Facts(tuple(rows))


def instances_table(instances: Iterable[rest.Instance]) -> Table:
    """What each of its instances does, and where."""
    shown = list(instances)
    detailed = any(each.detail for each in shown)
    return Table(
        ("Instance", "State", "Node", "Reserved") + ("",) * detailed,
        tuple(_instance(each) + (each.detail or "",) * detailed for each in shown),
    )


def executions_table(executions: Iterable[rest.Execution], base: str = "") -> Table:
    """Many of them, one a line."""
    return Table(
        ("Id", "Name", "ZApp", "State", "Submitted", "Ran for"),
        tuple(
            (
                str(each.id),
                Link(each.name, page(each.url, base)),
                each.zapp or "own description",
                execution_badge(each.status),
                moment(each.submitted_at),
                _ran(each),
            )
            for each in executions
        ),
    )


def events_table(events: Iterable[rest.Event]) -> Table:
    """What has happened, one a line."""
    rows = (
        (
            moment(each.at),
            str(each.execution_id),
            each.kind,
            ", ".join(f"{key}: {value}" for key, value in each.data.items()),
        )
        for each in events
    )
    return Table(("When", "Execution", "What", "More"), tuple(rows))


def use_table(used: ExecutionUse) -> Table:
    """What its instances use now, and the most memory that each has used so far."""
    return Table(("Instance", "Memory", "Most so far", "Cores"), tuple(map(_use, used.items)))


def _use(used: InstanceUse) -> tuple[Cell, ...]:
    if not used.samples:
        return used.instance, "", "", ""
    now, memory = used.samples[-1], used.memory_limit or used.reserved.memory
    told = f"{describe_memory(now.memory)} of {describe_memory(memory)}"
    cores = used.reserved.cores
    return (
        used.instance,
        Bar(now.memory, memory, told),
        describe_memory(max(each.memory for each in used.samples)),
        Bar(now.cores, cores, f"{now.cores:.2f} of {cores:g}"),
    )


def _instance(instance: rest.Instance) -> tuple[Cell, ...]:
    held = resources(instance.resources)
    return (instance.name, instance_badge(instance), instance.node, held)


def _ran(execution: rest.Execution) -> str:
    if execution.started_at is None:
        return ""
    return lasted(execution.started_at, execution.ended_at or datetime.now(UTC))
