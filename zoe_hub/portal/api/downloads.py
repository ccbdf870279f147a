"""Tables of administrators over REST as files for spreadsheets: usage, and the audit log."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable

from zoe_core.csv_text import CSV, csv_text
from zoe_core.protocol.rest_admin import AuditEntry, UsageRow
from zoe_hub.portal.api.audit import AuditConditions, conditions, entry
from zoe_hub.portal.api.usage import SeriesQuery, UsageQuery, series_for, usage_for
from zoe_hub.portal.auth import ApiHandler, Scope, Visitor
from zoe_hub.portal.operations import operation
from zoe_hub.portal.sse import StreamHandler
from zoe_store import audit

_AT_ONCE = 1000
"""Entries of the audit log that are read at a time."""

_FILE = {"Content-Disposition": "The name under which browsers save it."}
_AMOUNTS = tuple(UsageRow.model_fields)[1:]  # without the key
_AUDIT = ("id", "at", "actor", "actor_kind", "action", "target", "outcome", "detail")


class UsageFile(ApiHandler):
    """``/usage.csv``."""

    @operation(
        "downloadUsage",
        "Download who used how much",
        tag="administration",
        query=UsageQuery,
        media=CSV,
        answers={200: "A line for each key, after one with the names of the columns."},
        answer_headers=_FILE,
    )
    async def get(self, query: UsageQuery) -> None:
        """Download what `/usage` shows, for a spreadsheet."""
        report = await usage_for(self, query)
        rows = [(each.key, *_amounts(each)) for each in report.items]
        _as_file(self, f"usage-by-{query.group_by}.csv")
        self.finish(csv_text([(query.group_by, *_AMOUNTS), *rows]))


class UsageSeriesFile(ApiHandler):
    """``/usage/series.csv``."""

    @operation(
        "downloadUsageSeries",
        "Download who used how much over time",
        tag="administration",
        query=SeriesQuery,
        media=CSV,
        answers={200: "A line for each interval and key, after one with the names of the columns."},
        answer_headers=_FILE,
    )
    async def get(self, query: SeriesQuery) -> None:
        """Download what `/usage/series` shows, for a spreadsheet."""
        found = await series_for(self, query)
        rows = [
            (each.start.date().isoformat(), "(others)" if each.rest else each.key, *_amounts(each))
            for each in found.items
        ]
        _as_file(self, f"usage-by-{query.group_by}-and-{query.interval}.csv")
        self.finish(csv_text([(query.interval, query.group_by, *_AMOUNTS), *rows]))


class AuditFile(StreamHandler):
    """``/audit.csv``."""

    @operation(
        "downloadAudit",
        "Download who did what",
        tag="administration",
        query=AuditConditions,
        media=CSV,
        scopes=(Scope.ADMIN,),
        answers={200: "A line for each deed, newest first, after one with the names of columns."},
        answer_headers=_FILE,
    )
    async def get(self, query: AuditConditions) -> None:
        """Download all of the audit log that matches, for a spreadsheet; `detail` is JSON."""
        _as_file(self, "audit.csv")
        await self.stream(self._lines(query))

    def may_go_on(self, visitor: Visitor) -> bool:
        """The log is for administrators only, while it is sent too."""
        return super().may_go_on(visitor) and visitor.may(Scope.ADMIN)

    async def _lines(self, query: AuditConditions) -> AsyncGenerator[str, None]:
        yield csv_text([_AUDIT])
        before: int | None = None
        while True:
            found = await self.context.run(
                audit.find,
                self.context.database,
                before=before,
                limit=_AT_ONCE,
                **conditions(query),
            )
            yield csv_text(_audit_line(entry(each)) for each in found)
            if len(found) < _AT_ONCE:
                return
            before = found[-1].id


def _amounts(row: UsageRow) -> Iterable[object]:
    return (getattr(row, name) for name in _AMOUNTS)


def _audit_line(told: AuditEntry) -> tuple[object, ...]:
    fields = [getattr(told, name) for name in _AUDIT[2:-1]]
    return (told.id, told.at.isoformat(), *fields, json.dumps(told.detail, ensure_ascii=False))


def _as_file(handler: ApiHandler, name: str) -> None:
    handler.set_header("Content-Type", CSV)
    handler.set_header("Content-Disposition", f'attachment; filename="{name}"')
