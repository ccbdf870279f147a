"""``zoe-admin usage``: who used how much, as a table, for a spreadsheet, or as a picture."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoe_client.cli._output import Output
from zoe_client.cli._run import MOMENT, connected, json_option
from zoe_client.cli.admin.asking import EVERYBODY, NAME, BadOption, Picture, Whole, needing
from zoe_client.cli.admin.usage_table import show_report, show_series, write_csv

if TYPE_CHECKING:
    from zoe_core.protocol.rest_admin import UsageReport, UsageSeries

_BY = ("user", "group", "zapp", "day")
_INTERVALS = ("day", "week", "month")


class _InUtc(click.ParamType):
    """A moment, of UTC unless it says otherwise: of what was purged only days of UTC are known."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A date, a date with a time, or what else is a moment."""
        try:
            moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        except ValueError:
            return MOMENT.convert(value, param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command(short_help="who used how much")
@click.option(
    "--from",
    "since",
    type=_InUtc(),
    help="The beginning: 2026-11-01, in UTC, or 7d ago; 30 days before the end when left out.",
)
@click.option(
    "--to",
    "until",
    type=_InUtc(),
    help="The end, in UTC, which is not part of it; default: now.",
)
@click.option("--by", type=click.Choice(_BY), default="user", show_default=True, help="A row each.")
@click.option(
    "--interval", type=click.Choice(_INTERVALS), help="Over time: a row for each of them."
)
@click.option(
    "--top",
    type=Whole(1, 1000),
    metavar="N",
    help="With --interval: so many users, groups or ZApps have rows of their own; default: 10.",
)
@click.option("--user", default=EVERYBODY, metavar="NAME", help="Only what this user used.")
@click.option("--csv", "as_csv", is_flag=True, help="Write comma-separated values.")
@click.option(
    "--plot", type=Picture(), metavar="FILE", help="Draw it as well: FILE.png or FILE.html."
)
@json_option
def usage(
    since: datetime | None,
    until: datetime | None,
    by: str,
    interval: str | None,
    top: int | None,
    user: str,
    as_csv: bool,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Show who used how much in a period, also of what was purged since.

    \b
        zoe-admin usage --from 7d --by group
        zoe-admin usage --from 2026-01-01 --interval month --top 5 --plot year.png

    Core-hours are reserved cores times the hours for which they were held, busy or not; so are
    memory, in GB of 2**30 bytes, and GPUs. Executions count where they ended; `wait` is how long
    those that ran had waited on average. A user of two groups counts for both. Days are those of
    UTC, and so are the dates and times that you give, unless they name a zone: 2026-11-01T00:00+01.
    Of what was purged a day counts as a whole, in the period in which it begins. Weeks begin on
    Mondays.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json: give one of them")
    _check_interval(by, interval, top)
    output = Output(as_json=as_json)
    with connected(NAME) as zoe:
        found: UsageReport | UsageSeries
        if interval is None:
            found = zoe.usage(since, until, by, user=user)
        else:
            found = zoe.usage_series(since, until, by, interval=interval, top=top, user=user)
    if plot is not None:
        _draw(plot, found)
    if as_json:
        output.document(found)
    elif as_csv:
        write_csv(found)
    else:
        _show(output, found)


def _check_interval(by: str, interval: str | None, top: int | None) -> None:
    if interval is None and top is not None:
        raise click.UsageError("--top: may be given with --interval only")
    if interval is not None and by == "day":
        raise click.UsageError("--by day: may not be given with --interval: that has the days")


def _show(output: Output, found: UsageReport | UsageSeries) -> None:
    from zoe_core.protocol.rest_admin import UsageReport

    if isinstance(found, UsageReport):
        show_report(output, found)
    else:
        show_series(output, found)


def _draw(path: Path, found: UsageReport | UsageSeries) -> None:
    with needing("simulate", "numpy", "matplotlib"):
        from zoe_client.cli.admin.usage_plot import draw_usage
    try:
        draw_usage(path, found)
    except OSError as error:
        raise BadOption(f"--plot: is {str(path)!r}: cannot be written: {error.strerror}") from None
