"""``zoe ls``, ``zoe show``, ``zoe stop`` and ``zoe why``: look at executions, end them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import click

import zoe_client
from zoe_client.cli._completion import complete_execution, complete_live_execution
from zoe_client.cli._output import Cell, Column, Content, Output
from zoe_client.cli._run import FAILED, MOMENT, OK, complain, connected, explain, json_option
from zoe_client.cli._shown import COLUMNS, OF_ALL, STATES, facts, rows, sentence, status_cell
from zoe_client.cli._use import show_use
from zoe_client.cli._words import between

if TYPE_CHECKING:
    from zoe_client import Client, Execution
    from zoe_core.protocol import rest, rest_platform
    from zoe_core.protocol.rest_use import ExecutionUse

_INSTANCE_COLUMNS = (
    Column("instance"),
    Column("status"),
    Column("node"),
    Column("reserved"),
    Column("lasted", right=True),
    Column("note", wide=True),
)
EVERYBODY = "*"


@click.command(short_help="list executions")
@click.option(
    "--status",
    multiple=True,
    type=click.Choice(STATES),
    help="Only those in this state; may be repeated.",
)
@click.option("--name", metavar="TEXT", help="Only those with this in their name, in any case.")
@click.option(
    "--user", metavar="NAME", help="Somebody else's, or everybody's: '*'. Needs to be allowed."
)
@click.option(
    "--since",
    type=MOMENT,
    help="Only those submitted since then: 2026-11-02, 2026-11-02T14:05, or 2h, 3d ago.",
)
@click.option("--until", type=MOMENT, help="Only those submitted before.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="At most so many.",
)
@json_option
def ls(
    status: tuple[str, ...],
    name: str | None,
    user: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """List your executions, the newest first."""
    output = Output(as_json=as_json)
    with connected() as zoe:
        matching = zoe.executions(status=status, name=name, user=user, since=since, until=until)
        found = [each.document for each in islice(matching, limit)]
    if as_json:
        output.document(found)
    elif found or not output.terminal:
        columns = COLUMNS if user is None else OF_ALL
        output.table(columns, rows(found, users=user is not None, terminal=output.terminal))
    else:
        output.line("There are none.", "dim")


@click.command(short_help="look at an execution")
@click.argument("execution_id", metavar="ID", type=int, shell_complete=complete_execution)
@click.option("--use", "with_use", is_flag=True, help="Also what its instances use, as measured.")
@json_option
def show(execution_id: int, with_use: bool, as_json: bool) -> None:
    """Show an execution: its state, limits, instances and endpoints.

    With --use also what each instance uses now, the most memory that it has used so far, and the
    memory and cores that it has: up to its hard limit, else what is reserved. Only the scheduler
    knows, and only while it runs. With --json it is then {"execution": {…}, "use": {…}}.
    """
    output = Output(as_json=as_json)
    with connected() as zoe:
        found = zoe.get(execution_id)
        used = found.use() if with_use else None
    if as_json:
        _write_json(output, found, used)
        return
    output.facts(facts(found.document, found.url))
    if found.instances:
        output.line("")
        output.table(_INSTANCE_COLUMNS, map(_instance_row, found.instances))
    if used is not None:
        show_use(output, used)
    _show_addresses(output, "endpoint", found.asynchronous.endpoints)
    results = {each.name: urljoin(zoe.url, each.url) for each in found.document.results}
    _show_addresses(output, "result", results)


@click.command(short_help="end executions")
@click.argument(
    "execution_ids",
    metavar="ID...",
    type=int,
    nargs=-1,
    required=True,
    shell_complete=complete_live_execution,
)
@json_option
def stop(execution_ids: tuple[int, ...], as_json: bool) -> int:
    """End executions. Does not wait for it; exit code 1 when one of them could not be ended."""
    output = Output(as_json=as_json)
    stopped: list[rest.Execution] = []
    with connected() as zoe:
        for each in dict.fromkeys(execution_ids):
            try:
                stopped.append(zoe.stop(each).document)
            except (zoe_client.NotFound, zoe_client.Conflict) as error:
                complain("zoe", explain(error))
            else:
                if not as_json:
                    output.line(_told_of(stopped[-1]))
    if as_json:
        output.document(stopped)
    return OK if len(stopped) == len(set(execution_ids)) else FAILED


@click.command(short_help="why an execution waits, and for how long")
@click.argument("execution_id", metavar="ID", type=int, shell_complete=complete_live_execution)
@json_option
def why(execution_id: int, as_json: bool) -> None:
    """Say why an execution waits: its place, the reasons, what is ahead, the expected start.

    With --json it is the part "waiting" of its document, null when it does not wait.
    """
    output = Output(as_json=as_json)
    with connected() as zoe:
        found = zoe.get(execution_id)
        waiting = found.document.waiting
        ahead = _ahead(zoe, waiting) if waiting is not None and not as_json else ""
    if as_json:
        output.json(None if waiting is None else waiting.model_dump(mode="json"))
    elif waiting is None:
        output.line(f"Execution {execution_id} {sentence(found.document)}.")
    else:
        _show_waiting(output, found, waiting, ahead)


def _write_json(output: Output, found: Execution, used: ExecutionUse | None) -> None:
    if used is None:
        output.document(found.document)
        return
    both = {"execution": found.document, "use": used}
    output.json({name: each.model_dump(mode="json") for name, each in both.items()})


def _show_addresses(output: Output, what: str, addresses: Mapping[str, str]) -> None:
    if addresses:
        output.line("")
        columns = [Column(what), Column("address", wide=True)]
        output.table(columns, [(name, Cell(url, "cyan")) for name, url in addresses.items()])


def _show_waiting(output: Output, found: Execution, waiting: rest.Waiting, ahead: str) -> None:
    expected = waiting.expected
    told: dict[str, Content] = {
        "Execution": f"{found.id} {found.name}",
        "Status": status_cell(found.document.status),
        "Position": "-" if waiting.position is None else str(waiting.position),
        "Expected": "nobody can tell now" if expected is None else expected.text,
        "Ahead": ahead or "-",
        "Why": " ".join(waiting.reasons) or "-",
    }
    output.facts(told)


def _ahead(zoe: Client, waiting: rest.Waiting) -> str:
    """What is before it, with what this person may know of it."""
    if not waiting.ahead:
        return ""
    known = {each.execution_id: each for each in zoe.queue().items}
    return ", ".join(_named(each, known.get(each)) for each in waiting.ahead)


def _named(execution_id: int, entry: rest_platform.QueueEntry | None) -> str:
    told = [each for each in (entry.name, entry.user) if each] if entry is not None else []
    return f"{execution_id} ({', '.join(told)})" if told else str(execution_id)


def _told_of(document: rest.Execution) -> str:
    if document.ended_at is not None:
        return f"Execution {document.id} has ended already."
    return f"Execution {document.id} will end."


def _instance_row(each: rest.Instance) -> tuple[str | Cell, ...]:
    from zoe_core.amount import Amount

    reserved = Amount.of(each.resources.memory, each.resources.cores, each.resources.gpus)
    attempt = f"attempt {each.attempt}" if each.attempt > 1 else ""
    ended = each.detail or ("" if each.exit_code is None else f"exit code {each.exit_code}")
    return (
        each.name,
        status_cell(each.status),
        each.node,
        reserved.describe(),
        between(each.started_at, each.ended_at or datetime.now(UTC)),
        "; ".join(part for part in (attempt, ended) if part),
    )
