"""``zoe-admin queue``, ``nodes``, ``drain`` and ``undrain``: what waits, and what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from zoe_client.cli._output import Column, Content, Output
from zoe_client.cli._run import connected, json_option
from zoe_client.cli._words import clock, duration
from zoe_client.cli.admin.asking import NAME
from zoe_client.cli.commands.top import node_row

if TYPE_CHECKING:
    from zoe_core.protocol.rest_platform import Queue, QueueEntry, Scheduler

_QUEUE_COLUMNS = (
    Column("place", right=True),
    Column("id", right=True),
    Column("user"),
    Column("name"),
    Column("expected", wide=True),
    Column("why it waits", wide=True),
)
_NODE_COLUMNS = (
    Column("node"),
    Column("state"),
    Column("cores"),
    Column("memory"),
    Column("gpus"),
    Column("labels", wide=True),
)


@click.command(short_help="what waits, and why")
@json_option
def queue(as_json: bool) -> None:
    """Show all that waits, in the order in which it is decided on.

    Of the first hundred it is told why they wait.
    """
    output = Output(as_json=as_json)
    with connected(NAME) as zoe:
        found = zoe.queue()
    if as_json:
        output.document(found)
        return
    if found.items or not output.terminal:
        output.table(_QUEUE_COLUMNS, map(_queue_row, found.items))
    else:
        output.line("Nothing waits.", "dim")
    _tell_of_predictions(output, found)
    _tell_if_away(output, found.scheduler)


@click.command(short_help="what there is, and what of it is held")
@json_option
def nodes(as_json: bool) -> None:
    """Show the nodes as they were last seen, with what is reserved of each and what is used.

    With --json: {"cluster": {…}, "drains": […]}, as REST gives both.
    """
    output = Output(as_json=as_json)
    with connected(NAME) as zoe:
        found, drained = zoe.cluster(), zoe.drains()
    if as_json:
        output.json(
            {
                "cluster": found.model_dump(mode="json"),
                "drains": [each.model_dump(mode="json") for each in drained],
            }
        )
        return
    output.table(_NODE_COLUMNS, [(*node_row(each), ", ".join(each.labels)) for each in found.items])
    for each in drained:
        but = "" if each.known else "; it is not there now"
        output.note(f"{each.node} is drained by {each.by_user}, since {clock(each.at)}{but}")
    _tell_if_away(output, found.scheduler)


@click.command(short_help="let nothing new start on a node")
@click.argument("node")
@json_option
def drain(node: str, as_json: bool) -> None:
    """Let nothing new start on NODE; what runs there goes on."""
    output = Output(as_json=as_json)
    with connected(NAME) as zoe:
        found = zoe.drain(node)
    if as_json:
        output.document(found)
    else:
        output.line(f"Nothing new starts on {found.name}. Take it back: zoe-admin undrain {node}")


@click.command(short_help="let things start on a node again")
@click.argument("node")
@json_option
def undrain(node: str, as_json: bool) -> None:
    """Let things start on NODE again, or as soon as it is back."""
    output = Output(as_json=as_json)
    with connected(NAME) as zoe:
        zoe.undrain(node)
    if as_json:
        output.json({"node": node, "draining": False})
    else:
        output.line(f"{node} is used again.")


def _queue_row(entry: QueueEntry) -> tuple[Content, ...]:
    return (
        "-" if entry.position is None else str(entry.position),
        str(entry.execution_id),
        entry.user or "-",
        entry.name or "-",
        "-" if entry.expected is None else entry.expected.text,
        " ".join(entry.reasons) or "-",
    )


def _tell_of_predictions(output: Output, found: Queue) -> None:
    past = found.predictions
    if past is not None and output.terminal:
        output.line("")
        output.line(
            f"Of the last {past.count} first predictions half were right to within "
            f"{duration(past.median_s)}; {past.within:.0%} of the starts were in the range told.",
            "dim",
        )


def _tell_if_away(output: Output, scheduler: Scheduler) -> None:
    if scheduler.status == "away":
        output.note(f"{NAME}: the scheduler is away, last seen {clock(scheduler.seen_at)}")
