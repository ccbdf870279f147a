"""``zoe change`` and ``zoe keep``: let an execution be other than it was launched, or go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from zoe_client.cli._completion import complete_live_execution, complete_running_server
from zoe_client.cli._output import Output
from zoe_client.cli._run import connected, json_option
from zoe_client.cli._shown import end_words
from zoe_client.cli._sizes import size_words, sizing, sizing_options
from zoe_client.cli._words import duration

if TYPE_CHECKING:
    from zoe_core.protocol.rest import Execution

_PRIORITIES = ("low", "normal", "high")


@click.command(short_help="change priority, runtime limit or sizes")
@click.argument("execution_id", metavar="ID", type=int, shell_complete=complete_live_execution)
@click.option(
    "--priority",
    type=click.Choice(_PRIORITIES),
    help="Its place in the queue: before all of a lower one. High needs to be allowed.",
)
@sizing_options
@json_option
def change(execution_id: int, priority: str | None, as_json: bool, **sizes: Any) -> None:
    """Change an execution that has not ended, within the quota of its user.

    \b
        zoe change 42 --priority low
        zoe change 42 --runtime-limit 6h
        zoe change 42 --memory spark-worker=8GB --cores spark-worker=2

    The runtime limit counts from the start of the execution, not from now. Memory and cores can be
    changed while it waits. What is not named stays as it was. The scheduler carries it out in a
    moment: the document that --json writes may still be the one before.
    """
    given = {**({} if priority is None else {"priority": priority}), **sizing(**sizes)}
    if not given:
        raise click.UsageError("give one change at least, such as --priority low")
    output = Output(as_json=as_json)
    with connected() as zoe:
        found = zoe.change(execution_id, **given)
    if as_json:
        output.document(found.document)
    else:
        output.line(f"Execution {execution_id} gets {', '.join(_told(given))}.")


@click.command(short_help="keep a Jupyter server that idles")
@click.argument("execution_id", metavar="ID", type=int, shell_complete=complete_running_server)
@json_option
def keep(execution_id: int, as_json: bool) -> None:
    """Have a Jupyter server count as used now, so that it is not ended because it idles.

    \b
        zoe keep 42

    Its runtime limit stays as it is: `zoe change ID --runtime-limit` is for that.
    """
    output = Output(as_json=as_json)
    with connected() as zoe:
        found = zoe.keep(execution_id).document
    if as_json:
        output.document(found)
    else:
        output.line(f"Execution {execution_id} counts as used now{_still(found)}.")


def _told(given: Mapping[str, Any]) -> Iterator[str]:
    if "priority" in given:
        yield f"priority {given['priority']}"
    if "runtime_limit" in given:
        yield f"a runtime limit of {duration(given['runtime_limit'])}"
    for service, size in given.get("resources", {}).items():
        yield f"{size_words(size.get('memory'), size.get('cores'))} for each {service}"


def _still(found: Execution) -> str:
    return "" if found.ends_at is None else f"; it ends {end_words(found)}"
