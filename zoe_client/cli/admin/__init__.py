"""``zoe-admin``: commands for administrators.

What a command needs beyond the light client is imported when the command runs.
"""

from __future__ import annotations

import click

from zoe_client.cli._run import SETTINGS, Program, run_as_process
from zoe_client.cli.admin import (
    audit,
    backup,
    cluster,
    doctor,
    purge,
    quota,
    simulate,
    terminate,
    usage,
    users,
)


@click.group(cls=Program, name="zoe-admin", context_settings=SETTINGS)
def zoe_admin() -> None:
    """Administer Zoe.

    Asks the portal at ZOE_URL with the token of an administrator in ZOE_TOKEN, or those that
    `zoe login` has kept. Results go to standard output: tables on a terminal, plain text in a pipe,
    JSON with --json. All else goes to standard error.

    Exit codes: 0, all is well; 1, something must be seen to, was refused or cannot be reached; 2,
    the options or the token are wrong.
    """


for _command in (
    cluster.queue,
    cluster.nodes,
    cluster.drain,
    cluster.undrain,
    quota.quota,
    users.users,
    usage.usage,
    audit.audit,
    purge.purge,
    terminate.terminate,
    doctor.doctor,
    simulate.simulate,
    backup.backup,
    backup.restore,
):
    zoe_admin.add_command(_command)


def main() -> None:
    """Run the command that was typed, and exit with its code."""
    run_as_process(zoe_admin)
