"""The worker: calls the launcher, and runs what it sends if it carries the right signature."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from dataclasses import dataclass

from zoe_mpi import hostname
from zoe_mpi.frames import LIMIT, Frame, ProtocolError, is_signed, receive, send, sign
from zoe_mpi.launch import is_loopback

_RETRY = 0.2  # seconds between two calls to a launcher that does not answer
_GRACE = 3.0  # seconds for a command to end when its launcher is gone


class RefusedError(Exception):
    """Launcher and worker do not share a secret: calling again would not help."""


async def work(name: str, host: str, port: int, secret: str) -> None:
    """Serve the launcher at ``host`` for ever; ``name`` is how others reach this instance.

    Raises RefusedError.
    """
    print(f"Worker {name} calls the launcher {host}:{port}", flush=True)
    identity = await _identify(name, secret)
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port, limit=LIMIT)
            async with contextlib.aclosing(_Call(reader, writer)) as call:
                await call.serve(identity)
        await asyncio.sleep(_RETRY)


@dataclass(frozen=True, slots=True)
class _Identity:
    """Who the worker is. Its commands come after ``prefix``; see ``distinct`` in the protocol."""

    name: str
    secret: str
    prefix: tuple[str, ...]
    distinct: bool


async def _identify(name: str, secret: str) -> _Identity:
    """Find out whether commands can have a host name of their own, as containers have anyway."""
    if not is_loopback(name):
        return _Identity(name, secret, (), True)
    prefix = (sys.executable, hostname.__file__, name)
    attempt = await asyncio.create_subprocess_exec(*prefix, "true")
    distinct = not await attempt.wait()
    return _Identity(name, secret, prefix if distinct else (), distinct)


class _Call:
    """One connection to the launcher."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def aclose(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def serve(self, worker: _Identity) -> None:
        """Introduce this worker, and run the command that comes."""
        try:
            challenge = str((await receive(self._reader)).get("challenge"))
        except ProtocolError:
            return  # the launcher is not ready, or gone
        own = secrets.token_hex(32)
        proof = sign(worker.secret, challenge, worker.name)
        await send(
            self._writer, name=worker.name, challenge=own, proof=proof, distinct=worker.distinct
        )
        try:
            order = await receive(self._reader)
        except ProtocolError as error:
            if str(error).startswith("Refused"):
                raise RefusedError(f"The launcher does not accept this worker. {error}") from None
            return
        await self._obey(worker, order, own)

    async def _obey(self, worker: _Identity, order: Frame, challenge: str) -> None:
        command = str(order.get("command"))
        if not is_signed(worker.secret, challenge, command, order.get("proof")):
            await send(self._writer, refused="the command has no right signature")
            raise RefusedError("A command without the right signature came: it was not run.")
        await send(self._writer, started=True)
        await send(self._writer, exit=await self._run([*worker.prefix, "/bin/sh", "-c", command]))

    async def _run(self, command: list[str]) -> int:
        """Run a command with its output going to the launcher; end it when that goes away."""
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, start_new_session=True
        )
        output = asyncio.ensure_future(self._copy(process))
        gone = asyncio.ensure_future(self._reader.read())  # nothing comes but the end
        try:
            await asyncio.wait({output, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not output.done():
                print("The launcher is gone", file=sys.stderr, flush=True)
                await _end(process)
            return await process.wait()
        finally:
            gone.cancel()
            output.cancel()
            await _end(process)

    async def _copy(self, process: Process) -> None:
        assert process.stdout is not None
        while data := await process.stdout.read(65536):
            await send(self._writer, output=data.decode(errors="replace"))
        await process.wait()


async def _end(process: Process) -> None:
    """End a command and all it started in its session: kindly first, then by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE)
