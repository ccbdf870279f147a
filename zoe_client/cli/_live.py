"""What a person sees while a command waits for an execution: a line that changes, or lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zoe_client.cli._output import console
from zoe_client.cli._run import complain
from zoe_client.cli._shown import sentence
from zoe_client.cli._words import printable

if TYPE_CHECKING:
    from rich.status import Status

    from zoe_core.protocol.rest import Execution


class Progress:
    """Tells on standard error how an execution gets on; on a terminal in one line that changes."""

    def __init__(self, status: Status | None) -> None:
        self._status = status
        self._told = "submitted"  # that it is there, has been told by its number

    def show(self, execution: Execution) -> None:
        """It is so now."""
        said = f"execution {execution.id} {sentence(execution)}"
        if self._status is not None:
            self._status.update(printable(said))
        elif execution.status != self._told:  # in a log file each state is worth one line
            self._told = execution.status
            complain("zoe", said)


@contextmanager
def progress() -> Iterator[Progress]:
    """Let progress be shown until the block ends; then the line is gone."""
    if not sys.stderr.isatty():
        yield Progress(None)
        return
    with console(sys.stderr).status("") as status:
        yield Progress(status)
