"""``zoe``: launch ZApps, and see to what was launched, from a terminal or a script."""

from __future__ import annotations

import click

from zoe_client.cli._run import SETTINGS, Program, run_as_process
from zoe_client.cli.commands import (
    account,
    change,
    completion,
    endpoint,
    executions,
    gallery,
    launch,
    logs,
    top,
)


@click.group(cls=Program, name="zoe", context_settings=SETTINGS)
def zoe() -> None:
    """Launch notebooks, Spark and MPI jobs on Zoe, and see to them.

    In a notebook of the Hub it works at once; elsewhere begin with `zoe login`. Results go to
    standard output: tables on a terminal, plain text in a pipe, JSON with --json. All else goes to
    standard error.

    Exit codes: 0, it went well; 1, Zoe refused or does not answer; 2, what was typed, the settings
    or the token are wrong; 130, Ctrl-C. `zoe run` with --wait or --follow ends as the job did.
    """


for _command in (
    account.login,
    account.info,
    gallery.gallery,
    gallery.validate,
    launch.run,
    executions.ls,
    executions.show,
    executions.why,
    logs.logs,
    endpoint.open_,
    change.change,
    change.keep,
    executions.stop,
    top.top,
    completion.completion,
):
    zoe.add_command(_command)


def main() -> None:
    """Run the command that was typed, and exit with its code."""
    run_as_process(zoe)


if __name__ == "__main__":
    main()
