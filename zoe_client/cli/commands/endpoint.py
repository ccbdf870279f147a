"""``zoe open``: an endpoint of an execution, in the browser."""

from __future__ import annotations

import click

from zoe_client.cli._browser import open_in_browser
from zoe_client.cli._completion import complete_live_execution
from zoe_client.cli._output import Output
from zoe_client.cli._run import Failure, connected, json_option
from zoe_client.cli._shown import sentence


@click.command("open", short_help="open an endpoint in the browser")
@click.argument("execution_id", metavar="ID", type=int, shell_complete=complete_live_execution)
@click.argument("endpoint", required=False)
@click.option("--print", "only_print", is_flag=True, help="Print the address, open nothing.")
@json_option
def open_(execution_id: int, endpoint: str | None, only_print: bool, as_json: bool) -> None:
    """Open an ENDPOINT of an execution in the browser; the only one needs no name.

    The address is printed where there is no browser. With --json all endpoints are printed, as in
    the execution's document.
    """
    output = Output(as_json=as_json)
    with connected() as zoe:
        found = zoe.get(execution_id)
    addresses = found.asynchronous.endpoints
    if as_json:
        output.document(found.document.endpoints)
        return
    if not addresses:
        raise Failure(
            f"execution {execution_id} has no endpoint now: it {sentence(found.document)}"
        )
    address = addresses[_chosen(endpoint, list(addresses))]
    if only_print or not output.terminal or not open_in_browser(address):
        output.line(address)
    else:
        output.line(f"Opened {address}")


def _chosen(wanted: str | None, names: list[str]) -> str:
    """The endpoint that is meant, also by the beginning of its name."""
    if wanted is None and len(names) == 1:
        return names[0]
    known = ", ".join(map(repr, names))
    if wanted is None:
        raise click.UsageError(f"ENDPOINT: is missing: must be one of {known}")
    exact = [name for name in names if name.lower() == wanted.lower()]
    found = exact or [name for name in names if name.lower().startswith(wanted.lower())]
    if len(found) != 1:
        raise click.UsageError(f"ENDPOINT: is {wanted!r}: must be one of {known}")
    return found[0]
