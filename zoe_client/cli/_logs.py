"""Writes a log as it is, or line by line as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from zoe_client.cli._output import Output

if TYPE_CHECKING:
    from zoe_client import Execution


def write_log(
    output: Output, execution: Execution, pieces: Iterable[str], instance: str | None = None
) -> None:
    """Write each piece as it comes: raw, as the program wrote it, or a JSON object for each line.

    Without an ``instance`` it is the log of the main one.
    """
    if output.as_json:
        for line in lines_of(pieces):
            output.json_line({"execution_id": execution.id, "instance": instance, "line": line})
        return
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()


def lines_of(pieces: Iterable[str]) -> Iterator[str]:
    """Whole lines, without their ends; the last one may lack its own."""
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        yield from lines
    if rest:
        yield rest
