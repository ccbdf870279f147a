"""Usage by user, group or ZApp: the period that is asked for, plots, their legend, and a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args
from urllib.parse import urlencode

from zoe_core.intervals import Interval, at_most
from zoe_core.protocol.rest_admin import SeriesGroup, UsagePoint, UsageRow, UsageSeries
from zoe_hub.portal.presenters.admin_plot import Layer, Plot, amount, stacked
from zoe_hub.portal.presenters.times import seconds_in_words

TOP = 8
"""Keys with a colour of their own: as many as the style sheet has. The rest comes after them."""

ROWS = 100
"""Of the table; the file for spreadsheets has all."""

MAX_BARS = 120
"""Of one plot: more cannot be told apart."""

PERIODS = {"7": "Last 7 days", "30": "Last 30 days", "90": "Last 90 days", "365": "Last year"}
GROUPS: dict[SeriesGroup, str] = {"user": "User", "group": "Group", "zapp": "ZApp"}

_USUAL = "30"
_ONE_DAY = timedelta(days=1)
_MEASURES: tuple[tuple[Literal["core_hours", "memory_gb_hours", "gpu_hours"], str, str], ...] = (
    ("core_hours", "Cores", "core-hours"),
    ("memory_gb_hours", "Memory", "GB-hours"),
    ("gpu_hours", "GPUs", "GPU-hours"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is looked at. ``first`` and ``last`` are days, both included; ``days`` of ``PERIODS``.

    ``problem`` says what was wrong with the days that were asked for.
    """

    days: str
    first: date
    last: date
    group_by: SeriesGroup
    interval: Interval
    problem: str = ""

    def period(self, now: datetime) -> tuple[datetime, datetime]:
        """Its beginning and its end: now at the latest, but at least a second after."""
        since = _midnight(self.first)
        until = min(now, _midnight(self.last + _ONE_DAY))
        return since, max(until, since + timedelta(seconds=1))

    def query(self, now: datetime) -> dict[str, str]:
        """The arguments of REST."""
        since, until = self.period(now)
        return {
            "from": since.isoformat(),
            "to": until.isoformat(timespec="seconds"),
            "group_by": self.group_by,
            "user": "*",
        }


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the legend."""

    label: str
    tone: int


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; ``url`` leads to more about it, and may be empty."""

    label: str
    url: str
    executions: str
    failed: str
    core_hours: str
    memory_gb_hours: str
    gpu_hours: str
    wait: str


def choose(given: Mapping[str, str], now: datetime) -> Choice:
    """Read what was asked for; what makes no sense is as if it had not been said."""
    today = now.astimezone(UTC).date()
    days = given.get("days", "")
    problem = ""
    first, last = today, today
    if given.get("from") or given.get("to"):
        days = "other"
        try:
            last = date.fromisoformat(given.get("to") or today.isoformat())
            first = date.fromisoformat(given.get("from") or min(last, today).isoformat())
            problem = _wrong(first, last, today)
            last = min(last, today)
        except ValueError:
            problem = "Give days such as 2026-01-31."
    if problem or days not in (*PERIODS, "other"):
        days = _USUAL
    if days != "other":
        first, last = today - timedelta(days=int(days) - 1), today
    group_by = given.get("by", "")
    return Choice(
        days=days,
        first=first,
        last=last,
        group_by=next((each for each in get_args(SeriesGroup) if each == group_by), "user"),
        interval=_interval(given.get("interval", ""), first, last),
        problem=problem,
    )


def _wrong(first: date, last: date, today: date) -> str:
    if first > last:
        return "The first day must not be after the last."
    if first > today:
        return "The first day is still to come."
    if first.year < 2000:
        return "The first day must be in this century."
    return ""


def _interval(asked: str, first: date, last: date) -> Interval:
    """The one that was asked for, unless there would be too many bars; else a fitting one."""
    since, until = _midnight(first), _midnight(last + _ONE_DAY)
    for each in get_args(Interval):
        if each == asked and at_most(since, until, each) <= MAX_BARS:
            return asked  # type: ignore[return-value]
    days = (last - first).days + 1
    return "day" if days <= 31 else "week" if days <= 200 else "month"


def plots(series: UsageSeries, titles: Mapping[str, str]) -> tuple[list[Plot], list[Key]]:
    """A plot of each kind of use, GPUs only where any were used, and the legend of all."""
    order = _order(series.items)
    named: dict[str | None, tuple[str, int]] = {
        key: (_label(key, series.group_by, titles), tone) for tone, key in enumerate(order)
    }
    if any(each.rest for each in series.items):
        named[None] = ("All others", TOP)
    starts = [each.date() for each in series.starts]
    found = []
    for measure, title, unit in (*_MEASURES, ("executions", "Executions", "executions")):
        values: defaultdict[str | None, dict[date, float]] = defaultdict(dict)
        for point in series.items:
            key = None if point.rest else point.key
            values[key][point.start.date()] = float(getattr(point, measure))
        layers = [Layer(label, tone, values[key]) for key, (label, tone) in named.items()]
        if measure != "gpu_hours" or any(point.gpu_hours for point in series.items):
            found.append(stacked(title, unit, layers, starts, series.interval))
    return found, [Key(label, tone) for label, tone in named.values()]


def _order(points: Iterable[UsagePoint]) -> list[str]:
    """The keys that have rows of their own: who used most cores first."""
    sums: defaultdict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    for each in points:
        if not each.rest:
            hours, count = sums[each.key]
            sums[each.key] = hours + each.core_hours, count + each.executions
    return [key for key, _ in sorted(sums.items(), key=lambda pair: (-pair[1][0], -pair[1][1]))]


def rows(
    used: Sequence[UsageRow], group_by: SeriesGroup, titles: Mapping[str, str], prefix: str
) -> list[Row]:
    """The first lines of the table."""
    return [_row(each, group_by, titles, prefix) for each in used[:ROWS]]


def _row(used: UsageRow, group_by: SeriesGroup, titles: Mapping[str, str], prefix: str) -> Row:
    hers = f"{prefix}admin/executions?{urlencode({'user': used.key})}"
    return Row(
        label=_label(used.key, group_by, titles),
        url=hers if group_by == "user" else "",
        executions=amount(used.executions),
        failed=amount(used.failed),
        core_hours=amount(used.core_hours),
        memory_gb_hours=amount(used.memory_gb_hours),
        gpu_hours=amount(used.gpu_hours),
        wait="" if used.mean_wait_s is None else seconds_in_words(used.mean_wait_s),
    )


def _label(key: str, group_by: SeriesGroup, titles: Mapping[str, str]) -> str:
    if key:
        return titles.get(key, key) if group_by == "zapp" else key
    return "Without a group" if group_by == "group" else "Own descriptions"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
