"""What the instances of an execution use, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoe_client.cli._output import Cell, Column, Content, Output, share_style
from zoe_client.cli._words import number
from zoe_core.amount import describe_memory

if TYPE_CHECKING:
    from zoe_core.protocol.rest_use import ExecutionUse, InstanceUse

_COLUMNS = (
    Column("instance"),
    Column("memory now", right=True),
    Column("most so far", right=True),
    Column("cores now", right=True),
)


def show_use(output: Output, used: ExecutionUse) -> None:
    """Show it below what is known of the execution itself."""
    output.line("")
    if used.items:
        output.table(_COLUMNS, map(_row, used.items))
    else:
        output.line("Nothing of it is measured now.", "dim")


def _row(each: InstanceUse) -> tuple[Content, ...]:
    if not each.samples:
        return each.instance, "-", "-", "-"
    now, has = each.samples[-1], each.reserved
    memory = each.memory_limit or has.memory
    return (
        each.instance,
        Cell(
            f"{describe_memory(now.memory)} of {describe_memory(memory)}",
            share_style(now.memory / memory if memory else 0.0),
        ),
        describe_memory(max(sample.memory for sample in each.samples)),
        f"{now.cores:.2f} of {number(has.cores)}",
    )
