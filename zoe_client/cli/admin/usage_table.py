"""Usage, as sums and over time, as tables for people and as comma-separated values."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from zoe_client.cli._output import Bar, Column, Content, Output
from zoe_client.cli._words import duration, exact, plain_lines
from zoe_core.csv_text import csv_text

if TYPE_CHECKING:
    from zoe_core.protocol.rest_admin import UsagePoint, UsageReport, UsageRow, UsageSeries

NAMELESS = {"group": "(no group)", "zapp": "(own description)"}
"""What the empty key means."""

REST = "(others)"
"""What has no row of its own, over time."""


def show_report(output: Output, found: UsageReport) -> None:
    """Show the sums, with the share of each in all core-hours."""
    if _nothing(output, found):
        return
    gpus = _with_gpus(output, found)
    whole = sum(each.core_hours for each in found.items) or 1.0
    shares = (each.core_hours / whole for each in found.items)
    rows = (
        (named(each, found.group_by), hours, Bar(share, f"{share:.0%}"), *others)
        for share, each in zip(shares, found.items, strict=True)
        for hours, *others in (_amounts(each, gpus),)
    )
    first, *others = _columns(gpus)
    output.table((Column(found.group_by), first, Column("share"), *others), rows)


def show_series(output: Output, found: UsageSeries) -> None:
    """Show a line for each interval and key."""
    if _nothing(output, found):
        return
    gpus = _with_gpus(output, found)
    rows = (
        (f"{each.start:%Y-%m-%d}", key_of(each, found), *_amounts(each, gpus))
        for each in found.items
    )
    output.table((Column(found.interval), Column(found.group_by), *_columns(gpus)), rows)


def write_csv(found: UsageReport | UsageSeries) -> None:
    """Write a line with the names of the columns, and one for each row."""
    from zoe_core.protocol.rest_admin import UsageReport, UsageRow

    amounts = list(UsageRow.model_fields)[1:]
    lines: list[Sequence[object]]
    if isinstance(found, UsageReport):
        lines = [
            [found.group_by, *amounts],
            *(list(each.model_dump().values()) for each in found.items),
        ]
    else:
        lines = [[found.interval, found.group_by, *amounts]]
        for point in found.items:
            key = REST if point.rest else point.key
            values = (getattr(point, each) for each in amounts)
            lines.append([f"{point.start:%Y-%m-%d}", key, *values])
    sys.stdout.writelines(plain_lines([csv_text(lines)]))


def named(row: UsageRow, group_by: str) -> str:
    """The key as people read it."""
    return row.key or NAMELESS.get(group_by, "-")


def key_of(point: UsagePoint, found: UsageSeries) -> str:
    """The same over time."""
    return REST if point.rest else named(point, found.group_by)


def _nothing(output: Output, found: UsageReport | UsageSeries) -> bool:
    """Tell a person which period it is; say whether there is nothing to show her of it."""
    if output.terminal:
        output.line(f"{exact(found.since)} to {exact(found.until)}", "dim")
        if not found.items:
            output.line("Nobody used anything.", "dim")
            return True
    return False


def _with_gpus(output: Output, found: UsageReport | UsageSeries) -> bool:
    return not output.terminal or any(each.gpu_hours for each in found.items)


def _columns(gpus: bool) -> Iterator[Column]:
    titles = (
        "core-hours",
        "GB-hours",
        *(("GPU-hours",) if gpus else ()),
        "ended",
        "failed",
        "wait",
    )
    return (Column(title, right=True) for title in titles)


def _amounts(each: UsageRow, gpus: bool) -> tuple[Content, ...]:
    return (
        _hours(each.core_hours),
        _hours(each.memory_gb_hours),
        *((_hours(each.gpu_hours),) if gpus else ()),
        str(each.executions),
        str(each.failed),
        duration(each.mean_wait_s),
    )


def _hours(hours: float) -> str:
    return "<0.01" if 0 < hours < 0.01 else f"{hours:.2f}"
