"""The launcher's side: knows the workers that have called, and connects agents with them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from zoe_mpi.frames import LIMIT, ProtocolError, is_signed, receive, send, sign

PATIENCE = 60.0  # seconds for the first worker to call
QUIET = 1.5  # seconds without a new worker after which all are believed to be there
ANSWER = 15.0  # seconds for the other side to say the next thing that it owes


class NoWorkersError(Exception):
    """No worker has called in time."""


@dataclass(frozen=True, slots=True)
class _Caller:
    """A worker that waits for a command."""

    challenge: str
    distinct: bool
    reader: StreamReader
    writer: StreamWriter


class Switchboard:
    """Takes the calls of workers on TCP and those of agents on a private unix socket.

    ``failure`` completes, with a sentence, when a worker is lost while it runs a command or does
    not answer: mpirun by itself would return 0, or wait for ever.
    """

    def __init__(self, secret: str) -> None:
        self.failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._secret = secret
        self._workers: dict[str, _Caller] = {}
        self._news = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listen(self, host: str, port: int, agents: Path) -> AsyncIterator[None]:
        """Listen for workers at ``host``, and for agents at a path in a private directory."""
        calls = await asyncio.start_server(self._take_worker, host, port, limit=LIMIT)
        inside = await asyncio.start_unix_server(self._take_agent, agents, limit=LIMIT)
        try:
            yield
        finally:
            calls.close()
            inside.close()
            for worker in self._workers.values():
                worker.writer.close()

    async def gather(self, patience: float = PATIENCE, quiet: float = QUIET) -> list[str]:
        """Return the names of the workers, once no new one has called for ``quiet`` seconds.

        Workers that cannot be told apart by their host names are of no use beside each other: then
        it is one. Raises NoWorkersError when none calls within ``patience`` seconds.
        """
        wait = patience
        with contextlib.suppress(TimeoutError):
            while True:
                await asyncio.wait_for(self._news.wait(), wait)
                self._news.clear()
                wait = quiet
        if not self._workers:
            raise NoWorkersError(f"No worker has called within {patience:g} seconds.")
        names = sorted(self._workers)
        if all(worker.distinct for worker in self._workers.values()):
            return names
        _say("This machine gives no host names to processes: all ranks run in one worker.")
        return names[:1]

    async def settle(self) -> None:
        """Return when all commands have ended, or their workers are lost; mpirun has ended."""
        if self._running:
            await asyncio.wait(self._running, timeout=ANSWER)

    async def _take_worker(self, reader: StreamReader, writer: StreamWriter) -> None:
        challenge = secrets.token_hex(32)
        try:
            await send(writer, challenge=challenge)
            hello = await asyncio.wait_for(receive(reader), ANSWER)
        except (ProtocolError, TimeoutError, OSError):
            writer.close()
            return
        name = str(hello.get("name"))
        if not is_signed(self._secret, challenge, name, hello.get("proof")):
            _say("Somebody called without the execution's secret and was refused.")
            await send(writer, refused="the proof is not made with this execution's secret")
            writer.close()
            return
        self._workers[name] = _Caller(
            str(hello.get("challenge")), hello.get("distinct") is True, reader, writer
        )
        self._news.set()

    async def _take_agent(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            order = await receive(reader)
            connected = self._connect(str(order.get("worker")), str(order.get("command")), writer)
            running = asyncio.ensure_future(connected)
            self._running.add(running)
            running.add_done_callback(self._running.discard)
            await running
        except (ProtocolError, TimeoutError, OSError) as error:
            reason = str(error) or f"no answer within {ANSWER:g} seconds"
            with contextlib.suppress(OSError):
                await send(writer, refused=reason)
        except asyncio.CancelledError:
            pass  # the job is over; asyncio's streams would report a cancelled call as an error
        finally:
            writer.close()

    async def _connect(self, name: str, command: str, agent: StreamWriter) -> None:
        """Send the command to the worker, and all that comes back to the agent."""
        worker = self._workers.pop(name, None)
        if worker is None:
            raise ProtocolError("it has not called")
        try:
            proof = sign(self._secret, worker.challenge, command)
            await send(worker.writer, command=command, proof=proof)
            frame = await asyncio.wait_for(receive(worker.reader), ANSWER)
            while "exit" not in frame:
                await send(agent, **frame)
                frame = await receive(worker.reader)
            await send(agent, **frame)
        except (ProtocolError, TimeoutError) as error:
            self._fail(f"The worker {name} was lost. {str(error) or 'It does not answer.'}")
            raise
        finally:
            worker.writer.close()

    def _fail(self, sentence: str) -> None:
        if not self.failure.done():
            self.failure.set_result(sentence)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
