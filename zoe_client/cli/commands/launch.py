"""``zoe run``: launch something, and see it through if that is wished."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import click

from zoe_client.cli._completion import complete_zapp_or_file
from zoe_client.cli._descriptions import (
    is_file,
    read_description,
    request,
    split_parameters,
    typed,
)
from zoe_client.cli._live import progress
from zoe_client.cli._logs import write_log
from zoe_client.cli._output import Output
from zoe_client.cli._run import complain, connected, detachable, json_option
from zoe_client.cli._shown import exit_code, sentence
from zoe_client.cli._sizes import sizing, sizing_options
from zoe_core.names import check_execution_name, check_slug

if TYPE_CHECKING:
    from zoe_client import Client, Execution

_BEFORE_A_LOG = ("submitted", "queued", "starting")


@click.command(short_help="launch a ZApp")
@click.argument("zapp", metavar="ZAPP|FILE", shell_complete=complete_zapp_or_file)
@click.option(
    "-p",
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set a parameter of the ZApp; may be repeated. `zoe gallery ZAPP` lists them.",
)
@click.option("--name", help="Call the execution so.")
@sizing_options
@click.option("--wait", is_flag=True, help="Wait for its end.")
@click.option("--follow", is_flag=True, help="Show the log of its main program until its end.")
@json_option
def run(
    zapp: str,
    parameters: tuple[str, ...],
    name: str | None,
    wait: bool,
    follow: bool,
    as_json: bool,
    **sizes: Any,
) -> int | None:
    """Launch a ZApp of the gallery, or one of your own: FILE holds its description (JSON).

    \b
        zoe run spark-job -p workers=4 -p program=wc.py --follow
        zoe run spark-job --memory spark-worker=4GB --cores spark-worker=2 --runtime-limit 4h

    It is a FILE when it ends in .json or has a slash, or - for standard input. The execution's id
    is printed. With --wait and --follow the exit code is that of the job: 0 when it went well, that
    of its main program when it is 1 to 125, else 1. Ctrl-C ends the command with 130; the execution
    goes on.

    With --json the execution is one document. With --follow there is one JSON object a line:
    {"execution": …} first and last, and {"line": …} for each line of the log.
    """
    output = Output(as_json=as_json)
    with connected() as zoe:
        execution = _launch(zoe, zapp, split_parameters(parameters), name, sizing(**sizes))
        if follow:
            return _follow(output, execution)
        if wait:
            return _wait(output, execution)
        if as_json:
            output.document(execution.document)
        elif output.terminal:
            output.line(f"Execution {execution.id} {sentence(execution.document)}.")
            output.line(f"Follow it with: zoe logs -f {execution.id}", "dim")
        else:
            output.line(str(execution.id))
    return None


def _launch(
    zoe: Client, zapp: str, given: dict[str, str], name: str | None, sizes: dict[str, Any]
) -> Execution:
    if name is not None:
        _check("--name", check_execution_name, name)
    if not is_file(zapp):
        _check("ZAPP", check_slug, zapp)
        values = typed(given, zoe.zapp(zapp).parameters) if given else {}
        # Not `launch`: a parameter may be called as one of its arguments.
        return zoe.submit(request(zapp, name, parameters=values, **sizes))
    if given:
        first = next(iter(given))
        raise click.UsageError(
            f"-p {first}: {zapp} is a description of your own, which has no parameters: write "
            "the value into it"
        )
    return zoe.run(read_description(zapp), name, **sizes)


def _check(what: str, check: Callable[[str], str], text: str) -> None:
    try:
        check(text)
    except ValueError as error:
        raise click.UsageError(f"{what}: {error}") from None


def _wait(output: Output, execution: Execution) -> int:
    if not (output.as_json or output.terminal):
        output.line(str(execution.id))  # a script may want it though it gives up waiting
    with _detachable(execution), progress() as line:
        for document in execution.watch():
            line.show(document)
        _be_sure_of_its_end(execution)
    if output.as_json:
        output.document(execution.document)
    elif output.terminal:
        output.line(f"Execution {execution.id} {sentence(execution.document)}.")
    return exit_code(execution.document)


def _follow(output: Output, execution: Execution) -> int:
    _tell(output, execution, "is launched")
    with _detachable(execution):
        with progress() as line:
            for document in execution.watch():
                if document.status not in _BEFORE_A_LOG:
                    break
                line.show(document)
        write_log(output, execution, execution.logs(follow=True))
        _be_sure_of_its_end(execution)
    _tell(output, execution, sentence(execution.document))
    return exit_code(execution.document)


def _be_sure_of_its_end(execution: Execution) -> None:
    """When the events of its end were told before this began, they are not told again."""
    if not execution.ended:
        execution.wait()


def _tell(output: Output, execution: Execution, words: str) -> None:
    """To the program that reads, or to the person beside the log."""
    if output.as_json:
        output.json_line({"execution": execution.document.model_dump(mode="json")})
    else:
        complain("zoe", f"execution {execution.id} {words}")


def _detachable(execution: Execution) -> AbstractContextManager[None]:
    return detachable(
        f"execution {execution.id} goes on; come back with: zoe logs -f {execution.id}"
    )
