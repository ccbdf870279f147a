"""``zoe-admin audit``: who did what, or was refused to, as a table or for a spreadsheet."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from zoe_client.cli._output import Cell, Column, Content, Output
from zoe_client.cli._run import MOMENT, connected, json_option
from zoe_client.cli._words import duration, exact, plain_lines
from zoe_client.cli.admin.asking import NAME
from zoe_core.amount import describe_memory

if TYPE_CHECKING:
    from zoe_client import Client
    from zoe_client._requests import Deeds
    from zoe_core.protocol.rest_admin import AuditEntry

_USUAL = 50
_STYLES = {"done": "green", "refused": "yellow", "failed": "bold red", "unknown": "magenta"}
_COLUMNS = (
    Column("when"),
    Column("who"),
    Column("did"),
    Column("to what", cut=True),
    Column("outcome"),
    Column("with", wide=True),
)


@click.command(short_help="who did what, or was refused to")
@click.option("--user", "actor", metavar="NAME", help="Only what this user, or service, did.")
@click.option("--action", metavar="ID", help="Only this, such as launch, endExecution or setQuota.")
@click.option("--target", metavar="WHAT", help="Only what was done to this: executions/42.")
@click.option("--outcome", type=click.Choice(list(_STYLES)), help="Only what ended so.")
@click.option("--since", type=MOMENT, help="Only since then: 2026-11-02, or 2h, 3d ago.")
@click.option("--until", type=MOMENT, help="Only before.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    help=f"At most so many; default: {_USUAL}, with --csv all.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Write all as comma-separated values.")
@json_option
def audit(limit: int | None, as_csv: bool, as_json: bool, **which: Any) -> None:
    """Show what people did through Zoe, and what they were refused, the newest first.

    \b
        zoe-admin audit --since 1d --outcome refused
        zoe-admin audit --user alice --action endExecution
        zoe-admin audit --since 2026-10-01 --until 2026-11-01 --csv > october.csv

    Launches, changes and ends of executions, quotas and drained nodes are in it; nothing that only
    looks. Actions are called as the operations of REST. All conditions must hold.
    """
    if as_csv and (as_json or limit is not None):
        raise click.UsageError(f"--csv and {'--json' if as_json else '--limit'}: give one of them")
    output = Output(as_json=as_json)
    deeds: Deeds = {**which}  # type: ignore[typeddict-item]  # the options have those names
    with connected(NAME) as zoe:
        if as_csv:
            sys.stdout.writelines(plain_lines(zoe.audit_csv(**deeds)))
            return
        found, more = _newest(zoe, deeds, limit or _USUAL)
    if as_json:
        output.document(found)
    elif found or not output.terminal:
        output.table(_COLUMNS, [_row(each, output.terminal) for each in found])
    else:
        output.line("There is nothing.", "dim")
    if more:
        output.note(f"{NAME}: these are the newest {len(found)}; --limit shows more")


def _newest(zoe: Client, deeds: Deeds, limit: int) -> tuple[list[AuditEntry], bool]:
    """The entries, and whether there are older ones."""
    found = list(islice(zoe.audit(**deeds), limit + 1))
    return found[:limit], len(found) > limit


def _row(entry: AuditEntry, terminal: bool) -> tuple[Content, ...]:
    service = "" if entry.actor_kind == "user" else f" ({entry.actor_kind})"
    return (
        f"{entry.at.astimezone():%Y-%m-%d %H:%M}" if terminal else exact(entry.at),
        f"{entry.actor}{service}",
        entry.action,
        entry.target,
        Cell(entry.outcome, _STYLES[entry.outcome]),
        "  ".join(f"{name}={_told(name, value)}" for name, value in _parts(entry.detail)) or "-",
    )


def _parts(detail: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, object]]:
    """What was asked for, by paths such as ``resources.spark-worker.memory``."""
    for name, value in detail.items():
        if isinstance(value, Mapping):
            yield from _parts(value, f"{path}{name}.")
        elif value is not None and f"{path}{name}" != "status":  # `why` says it in words
            yield f"{path}{name}", value


def _told(path: str, value: object) -> str:
    name = path.rpartition(".")[2]
    if isinstance(value, int) and name == "memory":
        return describe_memory(value)
    if isinstance(value, int) and name == "runtime_limit":
        return duration(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
