"""Usage over REST: who used how much in a period, as sums and over time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from zoe_core.amount import MILLICORES_PER_CORE
from zoe_core.intervals import Interval, at_most, begins
from zoe_core.protocol.rest import Request
from zoe_core.protocol.rest_admin import (
    SeriesGroup,
    UsageGroup,
    UsagePoint,
    UsageReport,
    UsageRow,
    UsageSeries,
)
from zoe_core.zapp import Problem
from zoe_hub.portal.api.addresses import EVERYBODY, When
from zoe_hub.portal.auth import ApiHandler, PortalHandler, Scope, Visitor
from zoe_hub.portal.operations import operation
from zoe_hub.refusal import Refused
from zoe_store.usage import Usage, UsageAt, series, usage

USUAL = timedelta(days=30)
"""The period when nobody names its beginning."""

MAX_INTERVALS = 400
"""In one series."""

_HOUR = 3600
_GB = 2**30


_YEARS = range(1970, 9999)


def _countable(moment: datetime) -> datetime:
    """Calendars end, and so do those of Python and Postgres."""
    if moment.year not in _YEARS:
        raise ValueError(
            f"is {moment.isoformat()}: must be in the years {_YEARS[0]} to {_YEARS[-1]}"
        )
    return moment


CountedWhen = Annotated[When, AfterValidator(_countable)]


class UsageQuery(Request):
    """Whose usage, when, and how it is added up."""

    since: CountedWhen | None = Field(
        default=None,
        alias="from",
        description="The beginning of the period, 2026-01-31T00:00:00Z; 30 days before its end "
        "when it is left out.",
    )
    until: CountedWhen | None = Field(
        default=None, alias="to", description="Its end, which is not part of it; default: now."
    )
    group_by: UsageGroup = Field(
        default="user", description="A row for each user, group, ZApp, or day (of UTC)."
    )
    user: str | None = Field(
        default=None,
        max_length=255,
        description="Whose usage; your own when it is left out. Others', and everybody's as "
        f"'{EVERYBODY}', need the scope {Scope.ADMIN}.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> UsageQuery:
        since, until = self.since, self.until
        if since is not None and until is not None and since >= until:
            raise ValueError(f"from is {since.isoformat()}: must be before to, {until.isoformat()}")
        return self

    def period(self, now: datetime) -> tuple[datetime, datetime]:
        """Beginning and end; nothing is used in a period that has not yet begun."""
        until = self.until or max(now, self.since or now)
        return self.since or until - USUAL, until


class SeriesQuery(UsageQuery):
    """Whose usage over time, when, and how it is added up."""

    group_by: SeriesGroup = Field(default="user", description="Rows for users, groups, or ZApps.")
    interval: Interval = Field(
        default="day",
        description=f"Days, weeks or months of UTC; a period has {MAX_INTERVALS} of them at most.",
    )
    top: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="How many keys have rows of their own: those with the largest share of cores, "
        "memory, GPUs or executions in the period. The others are one row, with rest.",
    )


class ShowUsage(ApiHandler):
    """``/usage``."""

    @operation(
        "showUsage",
        "Show who used how much",
        tag="administration",
        query=UsageQuery,
        response=UsageReport,
        answers={200: "A row for each key: by day in their order, else those who used most first."},
    )
    async def get(self, query: UsageQuery) -> UsageReport:
        """Add up what was used in a period, also by what was purged meanwhile.

        Core-hours are reserved cores times the hours for which they were held, within the period;
        so are memory and GPUs. What is held now counts up to now. `executions` counts those that
        ended in the period, `failed` those of them that ended in error, and `mean_wait_s` is what
        those that ran had waited. The key is empty for users without a group, and for descriptions
        of users' own. Of what was purged whole days (of UTC) are known: each counts as a whole, in
        the period in which it begins.
        """
        return await usage_for(self, query)


class ShowUsageSeries(ApiHandler):
    """``/usage/series``."""

    @operation(
        "showUsageSeries",
        "Show who used how much over time",
        tag="administration",
        query=SeriesQuery,
        response=UsageSeries,
        answers={200: "Rows by day, week or month, and within it for each key."},
    )
    async def get(self, query: SeriesQuery) -> UsageSeries:
        """Add up what was used in each day, week or month of a period, in the units of `/usage`."""
        return await series_for(self, query)


async def usage_for(handler: PortalHandler, query: UsageQuery) -> UsageReport:
    """The report that a visitor asks for; raises Refused."""
    now = datetime.now(UTC)
    since, until = query.period(now)
    found = await handler.context.run(
        usage,
        handler.context.database,
        since,
        until,
        now,
        group_by=query.group_by,
        user=whose(handler.visitor, query.user),
    )
    rows = [UsageRow(**_amounts(each)) for each in found]
    if query.group_by != "day":
        rows.sort(key=lambda row: (-row.core_hours, -row.executions, row.key))
    return UsageReport(items=tuple(rows), since=since, until=until, group_by=query.group_by)


async def series_for(handler: PortalHandler, query: SeriesQuery) -> UsageSeries:
    """The series that a visitor asks for; raises Refused."""
    now = datetime.now(UTC)
    since, until = query.period(now)
    many = at_most(since, until, query.interval)
    if many > MAX_INTERVALS:
        message = (
            f"is {query.interval!r}: the period has about {many} of them; ask for at most "
            f"{MAX_INTERVALS}, with a longer interval or a shorter period"
        )
        raise Refused.because("Too many at once", [Problem("interval", message)], status=400)
    found = await handler.context.run(
        series,
        handler.context.database,
        since,
        until,
        now,
        interval=query.interval,
        most=query.top,
        group_by=query.group_by,
        user=whose(handler.visitor, query.user),
    )
    return UsageSeries(
        items=tuple(map(_point, found)),
        since=since,
        until=until,
        group_by=query.group_by,
        interval=query.interval,
        starts=tuple(map(_midnight, begins(since, until, query.interval))),
    )


def whose(visitor: Visitor, asked: str | None) -> str | None:
    """Whose usage is meant, None for everybody's; raises Refused when that is not allowed."""
    if asked is None or asked == visitor.name:
        return visitor.name
    if not visitor.may(Scope.ADMIN):
        raise Refused(
            403,
            "Not allowed",
            f"user: to see the usage of others you need the scope {Scope.ADMIN}",
            field="user",
        )
    return None if asked == EVERYBODY else asked


def _point(found: UsageAt) -> UsagePoint:
    return UsagePoint(start=_midnight(found.start), rest=found.rest, **_amounts(found.used))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _amounts(found: Usage) -> dict[str, Any]:
    """The fields of a row."""
    return {
        "key": found.key,
        "executions": found.executions,
        "failed": found.failed,
        "core_hours": found.millicore_seconds / MILLICORES_PER_CORE / _HOUR,
        "memory_gb_hours": found.byte_seconds / _GB / _HOUR,
        "gpu_hours": found.gpu_seconds / _HOUR,
        "mean_wait_s": found.wait_seconds / found.ran if found.ran else None,
    }
