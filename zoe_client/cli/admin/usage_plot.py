"""Usage as a picture, or as one page of HTML that needs no other file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoe_client.cli._words import exact
from zoe_client.cli.admin.plot import save
from zoe_client.cli.admin.usage_table import REST, key_of, named
from zoe_core.protocol.rest_admin import UsageReport, UsageSeries

_MOST = 25
"""Rows that are drawn each for itself; the rest is one bar."""

_LEAST = 4
"""Rows that there is room for, so that a single one is no wall."""

_TICKS = 7
"""Dates below a picture over time, at most."""

_COLOURS = 10
"""Keys that are told apart by a colour; matplotlib has so many, and the rest is grey."""

_AMOUNTS = {"core_hours": "core-hours", "memory_gb_hours": "GB-hours", "gpu_hours": "GPU-hours"}


def draw_usage(path: Path, found: UsageReport | UsageSeries) -> None:
    """Write the picture (.png) or the page (.html). Raises OSError."""
    wanted = [
        each
        for each in _AMOUNTS
        if each != "gpu_hours" or any(row.gpu_hours for row in found.items)
    ]
    if isinstance(found, UsageReport):
        by: str = found.group_by
        figure, text = _draw_sums(found, wanted)
    else:
        by = f"{found.group_by} and {found.interval}"
        figure, text = _draw_over_time(found, wanted)
    title = f"Usage by {by}, {exact(found.since)} to {exact(found.until)}"
    figure.suptitle(title)
    save(path, figure, title, text)


def _draw_sums(found: UsageReport, wanted: list[str]) -> tuple[Figure, str]:
    bars = _bars(found)
    figure = Figure(figsize=(10, 1.2 + 0.3 * max(_LEAST, len(bars))), layout="constrained")
    for axes, each in zip(figure.subplots(1, len(wanted), squeeze=False)[0], wanted, strict=True):
        _draw(axes, bars, each)
    return figure, _text(bars)


def _draw_over_time(found: UsageSeries, wanted: list[str]) -> tuple[Figure, str]:
    figure = Figure(figsize=(10, 1.0 + 2.4 * len(wanted)), layout="constrained")
    rows = [
        (f"{each.start:%Y-%m-%d}  {key_of(each, found)}", each.model_dump()) for each in found.items
    ]
    places = {start: place for place, start in enumerate(found.starts)}
    for axes, which in zip(figure.subplots(len(wanted), squeeze=False)[:, 0], wanted, strict=True):
        _stack(axes, found, places, which)
        axes.set_ylabel(_AMOUNTS[which])
    if found.items:
        axes.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure, _text(rows)


def _stack(axes: Axes, found: UsageSeries, places: dict[datetime, int], which: str) -> None:
    """A column for each interval, of all keys in their order, one above the other."""
    keys = list(dict.fromkeys(key_of(each, found) for each in found.items))
    below = [0.0] * len(places)
    for number, key in enumerate(keys):
        heights = [0.0] * len(places)
        for each in found.items:
            if key_of(each, found) == key:
                heights[places[each.start]] = getattr(each, which)
        colour = f"C{number}" if number < _COLOURS and key != REST else "0.7"
        label = key if number < _COLOURS or key == REST else None
        axes.bar(range(len(places)), heights, bottom=below, label=label, color=colour)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    every = -(-len(places) // _TICKS)
    axes.set_xticks(
        range(0, len(places), every), [f"{each:%Y-%m-%d}" for each in found.starts[::every]]
    )
    axes.spines[["top", "right"]].set_visible(False)


def _bars(found: UsageReport) -> list[tuple[str, dict[str, float]]]:
    """Name and amounts, in the order of the report."""
    rows = [
        (named(each, found.group_by), each.model_dump(include=set(_AMOUNTS)))
        for each in found.items
    ]
    if found.group_by == "day" or len(rows) <= _MOST:
        return rows
    rest = [amounts for _, amounts in rows[_MOST:]]
    return [
        *rows[:_MOST],
        (f"{len(rest)} others", {each: sum(row[each] for row in rest) for each in _AMOUNTS}),
    ]


def _draw(axes: Axes, bars: list[tuple[str, dict[str, float]]], which: str) -> None:
    places = range(len(bars))
    axes.barh(places, [amounts[which] for _, amounts in bars], color="#2b6cb0")
    axes.set_yticks(places, [name for name, _ in bars])
    axes.set_ylim(max(_LEAST, len(bars)) - 0.5, -0.5)  # the first at the top
    axes.set_xlabel(_AMOUNTS[which])
    axes.spines[["top", "right"]].set_visible(False)


def _text(bars: list[tuple[str, dict[str, float]]]) -> str:
    width = max((len(name) for name, _ in bars), default=0)
    lines = [f"{'':{width}}" + "".join(f"{each:>12}" for each in _AMOUNTS.values())]
    lines += [
        f"{name:{width}}" + "".join(f"{amounts[each]:12.2f}" for each in _AMOUNTS)
        for name, amounts in bars
    ]
    return "\n".join(lines)
