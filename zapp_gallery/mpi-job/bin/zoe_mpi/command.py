"""The command line: which part of the job this instance is."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shlex
import signal
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path

from zoe_mpi.agent import SOCKET
from zoe_mpi.launch import is_loopback, mpirun
from zoe_mpi.program import ProgramError, find_program
from zoe_mpi.shared import execution_secret, forget, shared_directory
from zoe_mpi.switchboard import NoWorkersError, Switchboard
from zoe_mpi.worker import RefusedError, work

PORT = 7300
_GRACE = 5.0  # seconds for mpirun to end its ranks


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the part that the command line names; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (NoWorkersError, ProgramError, RefusedError) as error:
        print(error, file=sys.stderr)
        return 1


def run_worker(options: argparse.Namespace) -> int:
    """Run ranks for the launcher until this instance is stopped."""
    secret = execution_secret(shared_directory(os.environ))
    asyncio.run(work(options.host, options.launcher, PORT, secret))
    return 0


def run_launcher(options: argparse.Namespace) -> int:
    """Run the program on the workers that call; return its exit code."""
    program = find_program(os.environ.get("MPI_PROGRAM", "pi"), Path(os.environ["ZOE_WORKSPACE"]))
    try:
        words = shlex.split(os.environ.get("MPI_ARGUMENTS", ""))
        ranks = int(os.environ.get("MPI_RANKS", "2"))
    except ValueError as error:
        raise ProgramError(f"The arguments cannot be read: {error}.") from None
    try:
        return asyncio.run(_launch(options.host, ranks, [str(program), *words]))
    finally:
        forget(shared_directory(os.environ))


async def _launch(host: str, ranks: int, program: list[str]) -> int:
    board = Switchboard(execution_secret(shared_directory(os.environ)))
    # The path of a unix socket has at most 107 bytes, and that of $TMPDIR may be longer. Mode 0700.
    with tempfile.TemporaryDirectory(prefix="zoe-mpi-", dir="/tmp") as private:
        agents = Path(private, "agents")
        async with board.listen(host if is_loopback(host) else "0.0.0.0", PORT, agents):
            workers = await board.gather()
            command = mpirun(ranks, workers, program)
            print(f"Running {Path(program[0]).name}: {ranks} ranks, {len(workers)} workers",
                  flush=True)  # fmt: skip
            environment = {**os.environ, SOCKET: str(agents)}
            process = await asyncio.create_subprocess_exec(*command, env=environment)
            _hand_on_signals(process)
            return await watch(process, board)


async def watch(process: Process, board: Switchboard) -> int:
    """Wait for mpirun, or for the loss of a worker, which mpirun may not notice; its exit code."""
    ended = asyncio.ensure_future(process.wait())
    await asyncio.wait({ended, board.failure}, return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        await _end(process)
    code = await ended
    if code == 0:
        await board.settle()  # it may have noticed the loss before we did, and ends with 0 then
    if board.failure.done():
        print(board.failure.result(), file=sys.stderr, flush=True)
        return code if code > 0 else 1
    return code if code >= 0 else 128 - code


async def _end(process: Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE)
            return


def _hand_on_signals(process: Process) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.send_signal, number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zoe-mpi", description="Run one part of an MPI job.")
    parts = parser.add_subparsers(required=True, metavar="PART")
    for run in (run_launcher, run_worker):
        part = parts.add_parser(run.__name__.removeprefix("run_"), help=run.__doc__)
        part.add_argument("--host", required=True, help="how the others reach this instance")
        if run is run_worker:
            part.add_argument("--launcher", required=True, help="how to reach the launcher")
        part.set_defaults(run=run)
    return parser
