"""``zoe-admin terminate``: end all that a user has."""

from __future__ import annotations

from contextlib import suppress

import click

import zoe_client
from zoe_client.cli._output import Output
from zoe_client.cli._run import connected, json_option
from zoe_client.cli._shown import LIVE, OF_ALL, rows
from zoe_client.cli.admin.asking import NAME, agree


@click.command(short_help="end all that a user has")
@click.option("--user", required=True, metavar="NAME", help="Whose executions.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@json_option
def terminate(user: str, yes: bool, as_json: bool) -> None:
    """End all executions of a user: those that run, and those that wait.

    They stay in the list. Does not wait until they have ended.
    """
    output = Output(as_json=as_json)
    with connected(NAME) as zoe:
        found = list(zoe.executions(status=LIVE, user=user))
        if found:
            if not (yes or as_json):
                documents = [each.document for each in found]
                output.table(OF_ALL, rows(documents, users=True, terminal=output.terminal))
            agree(f"End {len(found)} executions of {user}?", yes)
        for each in found:
            with suppress(zoe_client.NotFound):  # it was purged meanwhile
                each.stop()
    if as_json:
        output.document([each.document for each in found])
    else:
        output.line(f"{len(found)} executions of {user} end." if found else f"{user} has nothing.")
