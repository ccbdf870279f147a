"""``zoe-admin``: commands for administrators.

What a command needs beyond the light client is imported when the command runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from zoe_client.cli.options import BadOption, add_simulate_options


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. Bad input ends with exit code 2."""
    parser = _Parser(prog="zoe-admin", description="Commands for administrators of Zoe.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    simulate = commands.add_parser(
        "simulate",
        help="run a workload through the scheduler in virtual time",
        description="Run a workload through the real scheduler in virtual time, and say how long "
        "jobs waited and how well the cluster was used. Equal arguments give equal results.",
    )
    add_simulate_options(simulate)
    options = parser.parse_args(arguments)
    try:
        from zoe_client.cli.simulate import simulate_command
    except ModuleNotFoundError as error:
        return _missing(error)
    try:
        simulate_command(options)
    except BadOption as error:
        simulate.error(str(error))
    except ModuleNotFoundError as error:
        return _missing(error)
    return 0


def _missing(error: ModuleNotFoundError) -> int:
    if error.name not in ("numpy", "matplotlib"):
        raise error
    print(
        f"zoe-admin simulate: the package {error.name} is missing; it comes with an extra: "
        "pip install 'zoe[simulate]'",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
