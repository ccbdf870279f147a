"""My usage: what the visitor holds now against her quota, and what she used in the last month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from zoe_core.amount import Amount
from zoe_core.cluster import FINAL, ExecutionStatus
from zoe_core.protocol.rest_admin import UsageGroup, UsageRow
from zoe_hub.portal.api.usage import UsageQuery, usage_for
from zoe_hub.portal.pages.executions import titles
from zoe_hub.portal.pages.rendering import PageHandler
from zoe_hub.portal.presenters import usage as presented
from zoe_hub.views import ENDED, instance_status
from zoe_store import executions

DAYS = 30
_LIVE = [str(each) for each in ExecutionStatus if each not in FINAL]
_COUNTED = frozenset(
    {ExecutionStatus.STARTING, ExecutionStatus.RUNNING, ExecutionStatus.CLEANING_UP}
)
_MOST = 1000  # executions of one person that are looked at


class MyUsagePage(PageHandler):
    """``/usage/me``."""

    async def get(self) -> None:
        """Show what is held, and the last 30 days by day (of UTC) and by ZApp."""
        now = datetime.now(UTC)
        since = beginning(now)
        days = await self.used(since, "day")
        zapps = await self.used(since, "zapp")
        await self.render_page(
            "my_usage.html",
            title="My usage",
            here="usage",
            held=await self._held(),
            days=DAYS,
            since=since.strftime("%Y-%m-%dT%H:%M:%SZ"),
            plot=presented.by_day(days, since.date(), now.date()),
            by_day=presented.lines(days[::-1]),
            by_zapp=presented.lines(zapps, titles(self)),
            config=self.live_config(),
        )

    async def used(self, since: datetime, group_by: UsageGroup) -> list[UsageRow]:
        """What the visitor has used since then."""
        query = {"from": since, "group_by": group_by}
        return list((await usage_for(self, UsageQuery.model_validate(query))).items)

    async def _held(self) -> list[presented.Held]:
        context, visitor = self.context, self.visitor
        records = await context.run(
            executions.find, context.database, user=visitor.name, statuses=_LIVE, limit=_MOST
        )
        found = await context.run(
            executions.instances_of, context.database, [each.id for each in records]
        )
        amount = sum(
            (
                Amount(each.memory, each.millicores, each.gpus)
                for instances in found.values()
                for each in instances
                if instance_status(each) not in ENDED
            ),
            Amount(),
        )
        quotas = (await context.submission.platform.look()).quotas
        count = sum(1 for each in records if each.status in _COUNTED)
        return presented.held(count, amount, quotas.of(visitor.name, visitor.groups))


def beginning(now: datetime) -> datetime:
    """The midnight (of UTC) with which the period begins that ends today."""
    first = (now - timedelta(days=DAYS - 1)).date()
    return datetime(first.year, first.month, first.day, tzinfo=UTC)
