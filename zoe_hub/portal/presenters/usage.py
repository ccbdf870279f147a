"""What a person holds now against her quota, and what she used by day and by ZApp, as plots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from zoe_core.amount import Amount, describe_memory
from zoe_core.cluster import Quota
from zoe_core.protocol.rest_admin import UsageRow
from zoe_hub.portal.presenters.times import seconds_in_words

OWN = "Own descriptions"
BAR_WIDTH = 100.0
PLOT_HEIGHT = 120.0
DAY_WIDTH = 20.0


@dataclass(frozen=True, slots=True)
class Held:
    """One line of what is held: ``share`` is 0 to 100 of the quota, None without one."""

    label: str
    text: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a plot, in its own units; ``hint`` is what it says when one points at it."""

    x: float
    y: float
    width: float
    height: float
    hint: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars side by side; ``top`` is what a bar of full height means."""

    bars: tuple[Bar, ...]
    width: float
    height: float
    top: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table; ``share`` is of the largest one, 0 to 100."""

    label: str
    executions: str
    failed: str
    core_hours: str
    memory: str
    gpu_hours: str
    wait: str
    share: float


def held(executions: int, amount: Amount, quota: Quota) -> list[Held]:
    """What is held now, each beside its limit."""
    cores = None if quota.millicores is None else quota.millicores / 1000
    lines = [
        _held("Executions", executions, quota.executions, f"{executions}", f"{quota.executions}"),
        _held(
            "Memory",
            amount.memory,
            quota.memory,
            describe_memory(amount.memory) if amount.memory else "0",
            describe_memory(quota.memory or 0),
        ),
        _held("Cores", amount.cores, cores, number(amount.cores), number(cores or 0)),
    ]
    if amount.gpus or quota.gpus:
        lines.append(_held("GPUs", amount.gpus, quota.gpus, f"{amount.gpus}", f"{quota.gpus}"))
    return lines


def _held(label: str, now: float, limit: float | None, text: str, most: str) -> Held:
    if limit is None:
        return Held(label, f"{text}, without a limit", None)
    share = 100.0 if limit <= 0 else min(100.0, 100 * now / limit)
    return Held(label, f"{text} of {most}", round(share, 1))


def by_day(rows: Iterable[UsageRow], first: date, last: date) -> Plot:
    """A bar for each day of core-hours, also for those on which nothing was used."""
    found = {row.key: row for row in rows}
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    hours = [found[str(day)].core_hours if str(day) in found else 0.0 for day in days]
    top = max(hours, default=0.0) or 1.0
    bars = tuple(
        Bar(
            x=number_ * DAY_WIDTH + 2,
            y=round(PLOT_HEIGHT * (1 - value / top), 2),
            width=DAY_WIDTH - 4,
            height=round(PLOT_HEIGHT * value / top, 2),
            hint=f"{_day(day)}: {number(value)} core-hours",
        )
        for number_, (day, value) in enumerate(zip(days, hours, strict=True))
    )
    return Plot(
        bars,
        DAY_WIDTH * len(days),
        PLOT_HEIGHT,
        f"{number(top)} core-hours",
        _day(first),
        _day(last),
    )


def lines(rows: Sequence[UsageRow], titles: Mapping[str, str] | None = None) -> list[Line]:
    """The rows of a table; with ``titles`` (by slug) the keys are ZApps, else days."""
    top = max((row.core_hours for row in rows), default=0.0) or 1.0
    return [
        Line(
            label=_label(row.key, titles),
            executions=str(row.executions),
            failed=str(row.failed),
            core_hours=number(row.core_hours),
            memory=number(row.memory_gb_hours),
            gpu_hours=number(row.gpu_hours),
            wait="" if row.mean_wait_s is None else seconds_in_words(row.mean_wait_s),
            share=round(BAR_WIDTH * row.core_hours / top, 1),
        )
        for row in rows
    ]


def _label(key: str, titles: Mapping[str, str] | None) -> str:
    if titles is None:
        return _day(date.fromisoformat(key))
    return titles.get(key, key) if key else OWN


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def number(value: float) -> str:
    """With as many places as tell something: ``0``, ``0.003``, ``0.25``, ``1.5``, ``240``."""
    if 0 < value < 0.001:
        return "under 0.001"
    places = 0 if value >= 100 else 1 if value >= 1 else 2 if value >= 0.1 else 3
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text
