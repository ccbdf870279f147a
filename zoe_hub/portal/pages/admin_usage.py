"""Who used how much, over time: plots, a table, and files for spreadsheets."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from zoe_hub.portal.api.usage import SeriesQuery, UsageQuery, series_for, usage_for
from zoe_hub.portal.pages.admin import AdminPage
from zoe_hub.portal.presenters import admin_usage as presented


class UsagePage(AdminPage):
    """``/admin/usage``."""

    tab = "usage"

    async def get(self) -> None:
        """Show the usage of a period, by user, group or ZApp."""
        now = datetime.now(UTC)
        given = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        choice = presented.choose(given, now)
        query = choice.query(now)
        over_time = query | {"interval": choice.interval, "top": str(presented.TOP)}
        series = await series_for(self, SeriesQuery.model_validate(over_time))
        used = (await usage_for(self, UsageQuery.model_validate(query))).items
        titles = {slug: entry.title for slug, entry in self.context.gallery.items()}
        plots, legend = presented.plots(series, titles)
        files = f"{self.context.prefix}api/v1/usage"
        await self.render_admin(
            "admin_usage.html",
            "Usage",
            choice=choice,
            periods=presented.PERIODS,
            groups=presented.GROUPS,
            plots=plots,
            legend=legend,
            rows=presented.rows(used, choice.group_by, titles, self.context.prefix),
            more=max(0, len(used) - presented.ROWS),
            sums_file=f"{files}.csv?{urlencode(query)}",
            series_file=f"{files}/series.csv?{urlencode(over_time | {'top': '1000'})}",
        )
