"""``zoe logs``: what an instance has written, or writes."""

from __future__ import annotations

import click

from zoe_client.cli._completion import complete_execution, complete_instance
from zoe_client.cli._logs import write_log
from zoe_client.cli._output import Output
from zoe_client.cli._run import complain, connected, detachable, json_option
from zoe_client.cli._shown import sentence


@click.command(short_help="show or follow a log")
@click.argument("execution_id", metavar="ID", type=int, shell_complete=complete_execution)
@click.argument("instance", required=False, shell_complete=complete_instance)
@click.option("-f", "--follow", is_flag=True, help="Go on until the execution ends.")
@click.option(
    "--tail", metavar="N", type=click.IntRange(0, 10_000), help="Begin with the last N lines."
)
@json_option
def logs(
    execution_id: int, instance: str | None, follow: bool, tail: int | None, as_json: bool
) -> None:
    """Show the log of an INSTANCE, such as spark-worker-0, or of the main program.

    What the program wrote comes out as it is. With --follow an execution that waits is waited for,
    and an instance that is started again is followed on; when Zoe is restarted meanwhile, nothing
    is lost or repeated. Ctrl-C ends the command with 130; the execution goes on. With --json there
    is one JSON object for each line.
    """
    output = Output(as_json=as_json)
    again = " ".join(filter(None, ("zoe logs -f", str(execution_id), instance)))
    with connected() as zoe:
        execution = zoe.get(execution_id)
        pieces = execution.logs(instance, follow=follow, tail=tail)
        with detachable(f"execution {execution_id} goes on; come back with: {again}"):
            write_log(output, execution, pieces, instance)
        if not execution.instances:
            complain(
                "zoe", f"execution {execution_id} has no log: it {sentence(execution.document)}"
            )
