"""``zoe-admin purge``: remove executions that have ended; what they used stays in the usage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

import zoe_client
from zoe_client.cli._output import Output
from zoe_client.cli._run import FAILED, MOMENT, OK, complain, connected, explain, json_option
from zoe_client.cli._shown import OF_ALL, STATES, rows
from zoe_client.cli.admin.asking import EVERYBODY, NAME, agree

if TYPE_CHECKING:
    from zoe_client import Client
    from zoe_core.protocol.rest import Execution

_ENDED = STATES[-2:]


@click.command(short_help="remove what has ended long ago")
@click.option("--before", type=MOMENT, help="All that ended before: 2026-11-01, or 90d ago.")
@click.option(
    "--id", "ids", type=int, multiple=True, metavar="N", help="This one; may be repeated."
)
@click.option("--user", metavar="NAME", help="Only those of this user; with --before.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@json_option
def purge(
    before: datetime | None,
    ids: tuple[int, ...],
    user: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Remove executions that have ended, with their events, instances and logs.

    What they used stays in the usage, and in fair shares. The scheduler removes them in a moment,
    or when it is back; those that had an instance on a node that is away when that is back.
    Exit code 1 when one of them could not be removed, such as one that has not ended.
    """
    if (before is None) == (not ids):
        raise click.UsageError("give either --before or --id")
    if ids and user:
        raise click.UsageError("--user may be given with --before only")
    output = Output(as_json=as_json)
    with connected(NAME) as zoe:
        if before is not None:
            found = list(_ended_before(zoe, before, user or EVERYBODY))
            ids = tuple(each.id for each in found)
            if not as_json and (dry_run or not yes):
                output.table(OF_ALL, rows(found, users=True, terminal=output.terminal))
        if dry_run or not ids:
            return _told(output, ids, dry_run=dry_run)
        agree(f"Remove {_count(len(ids))} for ever?", yes)
        return _told(output, ids, _purge_all(zoe, ids, named=before is None))


def _ended_before(zoe: Client, before: datetime, user: str) -> Iterator[Execution]:
    """What was submitted later has not ended before; of the rest only the end is looked at."""
    for each in zoe.executions(status=_ENDED, user=user, until=before):
        if each.document.ended_at is not None and each.document.ended_at < before:
            yield each.document


def _purge_all(zoe: Client, ids: tuple[int, ...], named: bool) -> list[int]:
    """Those that were refused; one that nobody ``named`` may have gone meanwhile."""
    refused = []
    for each in ids:
        try:
            zoe.purge(each)
        except (zoe_client.Conflict, zoe_client.NotFound) as error:
            if named or isinstance(error, zoe_client.Conflict):
                complain(NAME, explain(error))
                refused.append(each)
    return refused


def _told(
    output: Output, ids: tuple[int, ...], refused: list[int] | None = None, *, dry_run: bool = False
) -> int:
    gone = [each for each in ids if each not in (refused or ())]
    if output.as_json:
        output.json({"dry_run": dry_run, "purged": gone, "refused": refused or []})
    elif dry_run:
        output.line(f"{_count(len(gone))} would be removed.")
    elif gone or not refused:
        output.line(f"{_count(len(gone))} {'is' if len(gone) == 1 else 'are'} being removed.")
    return FAILED if refused else OK


def _count(number: int) -> str:
    return f"{number} execution{'' if number == 1 else 's'}"
