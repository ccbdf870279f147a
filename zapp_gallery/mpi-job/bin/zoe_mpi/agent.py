"""Stands in for ssh: passes one command of mpirun to the launcher and waits for its end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from zoe_mpi.frames import LIMIT, ClosedError, ProtocolError, receive, send

SOCKET = "ZOE_MPI_SOCKET"
"""The variable that names the launcher's socket."""

FAILED = 255  # what ssh returns when it fails itself


def main(arguments: Sequence[str]) -> int:
    """Run ``arguments[1:]``, joined by blanks as ssh does, on the worker ``arguments[0]``."""
    try:
        return asyncio.run(_run(arguments[0], " ".join(arguments[1:])))
    except ClosedError:
        return FAILED  # the launcher has ended, and has said why
    except (ProtocolError, OSError) as error:
        print(f"Worker {arguments[0]}: {error}", file=sys.stderr)
        return FAILED


async def _run(worker: str, command: str) -> int:
    reader, writer = await asyncio.open_unix_connection(os.environ[SOCKET], limit=LIMIT)
    await send(writer, worker=worker, command=command)
    while "exit" not in (frame := await receive(reader)):
        print(frame.get("output", ""), end="", file=sys.stderr, flush=True)
    return int(frame["exit"])
