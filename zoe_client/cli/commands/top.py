"""``zoe top``: my executions and how full the cluster is, as it changes."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import click

import zoe_client
from zoe_client.cli._output import Bar, Cell, Column, Content, Output, console, drawn_table
from zoe_client.cli._run import connected, detachable, explain, json_option
from zoe_client.cli._shown import COLUMNS, LIVE, rows
from zoe_client.cli._words import number
from zoe_core.amount import describe_memory

if TYPE_CHECKING:
    from rich.console import Group

    from zoe_client import Client
    from zoe_core.protocol.rest import Execution
    from zoe_core.protocol.rest_platform import Cluster, Node

INTERVAL = 5.0
"""Seconds after which to look again though nothing has happened to one's own: others use the nodes
too, and places in the queue change.
"""

SOONEST = 0.5
"""Seconds between two looks at least."""

_DRAWN = 2
"""How often a second the screen is drawn."""

_MOST = 200
_AROUND_THE_ROWS = 8  # lines: titles, rules and what stands between the tables

_NODE_COLUMNS = (
    Column("node"),
    Column("state"),
    Column("cores"),
    Column("memory"),
    Column("gpus"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is shown at a time."""

    executions: Sequence[Execution]
    cluster: Cluster


@click.command(short_help="watch your executions and the cluster")
@json_option
def top(as_json: bool) -> None:
    """Show your executions and how full the cluster is, until Ctrl-C; in a pipe, once.

    With --json it is one object, once: {"executions": […], "cluster": {…}}.
    """
    output = Output(as_json=as_json)
    with connected() as zoe:
        if output.terminal:
            with detachable("your executions go on; come back with: zoe top"):
                _show_for_ever(zoe)
        picture = _look(zoe)
    if as_json:
        output.json(
            {
                "executions": [each.model_dump(mode="json") for each in picture.executions],
                "cluster": picture.cluster.model_dump(mode="json"),
            }
        )
        return
    output.table(_NODE_COLUMNS, map(node_row, picture.cluster.items))
    print()
    output.table(COLUMNS, rows(picture.executions, users=False, terminal=False))


def node_row(node: Node) -> tuple[Content, ...]:
    """A node: its state, and what is reserved of it and used."""
    held, whole, used = node.reserved, node.capacity, node.used
    cores = f", {number(used.cores)} used" if used else ""
    memory = f", {describe_memory(used.memory)} used" if used else ""
    return (
        node.name,
        _state(node),
        _bar(held.cores, whole.cores, f"{number(held.cores)} of {number(whole.cores)}{cores}"),
        _bar(
            held.memory,
            whole.memory,
            f"{describe_memory(held.memory)} of {describe_memory(whole.memory)}{memory}",
        ),
        _bar(held.gpus, whole.gpus, f"{held.gpus} of {whole.gpus}") if whole.gpus else "-",
    )


def _bar(held: float, whole: float, words: str) -> Bar:
    return Bar(held / whole if whole else 0.0, words)


def _state(node: Node) -> Cell:
    if not node.online:
        return Cell("offline", "bold red")
    if node.draining:
        return Cell("draining", "yellow")
    return Cell("short of memory", "yellow") if node.pressured else Cell("online", "green")


def _look(zoe: Client) -> Picture:
    found = [each.document for each in islice(zoe.executions(status=LIVE), _MOST)]
    return Picture(found, zoe.cluster())


class Watch:
    """The newest picture, and in ``trouble`` why it may be old; it looks again after events."""

    def __init__(self, zoe: Client) -> None:
        self._zoe = zoe
        self._happened = threading.Event()
        self.trouble = ""
        self.picture = _look(zoe)

    async def listen(self) -> None:
        """Hear of one's own executions, for ever; on the client's thread."""
        import anyio

        client = copy(self._zoe.asynchronous)
        client.on_trouble = self._heard
        while True:
            try:
                async with aclosing(client.events()) as events:
                    async for _ in events:
                        self._happened.set()
            except (zoe_client.NoConnection, zoe_client.Unavailable) as error:
                self.trouble = explain(error)
                await anyio.sleep(INTERVAL)

    def look_again(self) -> None:
        """Wait for something to happen, not for long, and look."""
        time.sleep(SOONEST)
        self._happened.wait(INTERVAL)
        self._happened.clear()
        try:
            self.picture, self.trouble = _look(self._zoe), ""
        except (zoe_client.NoConnection, zoe_client.Unavailable) as error:
            self.trouble = explain(error)

    def _heard(self, trouble: str | None) -> None:
        self.trouble = trouble or ""
        self._happened.set()


def _show_for_ever(zoe: Client) -> None:
    from rich.live import Live

    from zoe_client._bridge import portal

    watch, screen = Watch(zoe), console(sys.stdout)

    def now() -> Group:
        return drawn(watch.picture, watch.trouble, screen.height)

    listening = portal().start_task_soon(watch.listen)
    try:
        with Live(get_renderable=now, console=screen, screen=True, refresh_per_second=_DRAWN):
            while True:
                watch.look_again()
    finally:
        listening.cancel()


def drawn(picture: Picture, trouble: str, height: int) -> Group:
    """The whole screen of ``height`` lines."""
    from rich.console import Group
    from rich.text import Text

    nodes, executions = picture.cluster.items, picture.executions
    room = max(1, height - _AROUND_THE_ROWS - len(nodes))
    shown = executions[:room]
    away = picture.cluster.scheduler.status == "away"
    header = Text.assemble(
        ("zoe top", "bold"),
        f"  {datetime.now().astimezone():%H:%M:%S}  {len(executions)} live  ",
        ("the scheduler is away  ", "bold red") if away else "",
        (trouble, "bold red"),
    )
    more = len(executions) - len(shown)
    return Group(
        header,
        Text(),
        drawn_table(_NODE_COLUMNS, map(node_row, nodes)),
        Text(),
        drawn_table(COLUMNS, rows(shown, users=False, terminal=True))
        if shown
        else Text("You have no execution that has not ended.", "dim"),
        Text(f"and {more} more" if more else "", "dim"),
    )
