"""Men in the middle of the wire between hub and master, and a master that can only be reached so.

``Middle`` knows the master's keys and meddles with each message; ``Wires`` are TCP connections that
can be cut, or go dead without a word.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
import zmq
import zmq.asyncio

from zoe_master import app as master_app
from zoe_store.keys import HUB, MASTER, KeyRing

COMMANDS, LOGS, EVENTS = PATHS = ("commands_url", "logs_url", "events_url")


class Between(Protocol):
    """``urls`` are what the hub is told; ``aim`` is called with where the master really is."""

    urls: dict[str, str]

    def aim(self, urls: dict[str, str]) -> None: ...


@asynccontextmanager
async def instead_of_the_master(between: Between) -> AsyncIterator[None]:
    """Each master that begins to act in the block announces the addresses of ``between``."""
    loop = asyncio.get_running_loop()
    announce = master_app.announce

    def announce_other(*arguments: Any, **said: Any) -> None:
        loop.call_soon_threadsafe(between.aim, {path: said[path] for path in PATHS})
        announce(*arguments, **said | between.urls)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(master_app, "announce", announce_other)
        yield


@dataclass(frozen=True)
class Mischief:
    """How likely each is to happen to a message; ``kinds`` are lost for certain.

    A late message comes within ``longest`` seconds; one that is swapped comes after the next.
    """

    lose: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    swap: float = 0.0
    longest: float = 0.2
    kinds: frozenset[str] = frozenset()


CALM = Mischief()
ROUGH = Mischief(lose=0.15, double=0.2, delay=0.3, swap=0.15)


class Middle:
    """Passes messages on, in both directions, or does not; ``done`` counts what it did to them."""

    def __init__(self, keys: KeyRing, seed: int) -> None:
        self.mischief = CALM
        self.done: Counter[str] = Counter()
        self._dice = random.Random(seed)
        self._keys = keys
        self._context = zmq.asyncio.Context()
        self._fronts = {
            COMMANDS: self._front(zmq.ROUTER),
            LOGS: self._front(zmq.ROUTER),
            EVENTS: self._front(zmq.PUB),
        }
        self.urls = {
            path: each.getsockopt_string(zmq.LAST_ENDPOINT) for path, each in self._fronts.items()
        }
        self._backs: dict[str, zmq.asyncio.Socket] = {}
        self._askers: dict[bytes, bytes] = {}
        self._held: Callable[[], None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._tasks = [asyncio.create_task(self._requests(path)) for path in (COMMANDS, LOGS)]
        self._answers: list[asyncio.Task[None]] = []

    def aim(self, urls: dict[str, str]) -> None:
        """Connect to a master, and to no other any more."""
        self._leave()
        for path, url in urls.items():
            self._backs[path] = self._back(zmq.SUB if path == EVENTS else zmq.DEALER, url)
        self._backs[EVENTS].subscribe(b"")
        self._answers = [asyncio.create_task(self._what_it_says(path)) for path in urls]

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        tasks = [*self._tasks, *self._answers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._context.destroy(linger=0)

    def _leave(self) -> None:
        for task in self._answers:
            task.cancel()
        for socket in self._backs.values():
            socket.close()

    def _front(self, kind: int) -> zmq.asyncio.Socket:
        """To the hub it looks like the master: that it has its keys."""
        socket = self._context.socket(kind)
        socket.linger = 0
        pair = self._keys.pair(MASTER)
        socket.curve_server = True
        socket.curve_publickey, socket.curve_secretkey = pair.public, pair.secret
        socket.bind("tcp://127.0.0.1:0")
        return socket

    def _back(self, kind: int, url: str) -> zmq.asyncio.Socket:
        """To the master it looks like the hub."""
        socket = self._context.socket(kind)
        socket.linger = 0
        pair = self._keys.pair(HUB)
        socket.curve_serverkey = self._keys.public(MASTER)
        socket.curve_publickey, socket.curve_secretkey = pair.public, pair.secret
        socket.connect(url)
        return socket

    async def _requests(self, path: str) -> None:
        while True:
            asker, *frames = await self._fronts[path].recv_multipart()
            self._askers[frames[1]] = asker
            if path in self._backs:
                self._meddle(frames, partial(self._send, self._backs[path], frames))

    async def _what_it_says(self, path: str) -> None:
        while True:
            frames = await self._backs[path].recv_multipart()
            to = [] if path == EVENTS else [self._askers[frames[1]]]
            self._meddle(frames, partial(self._send, self._fronts[path], [*to, *frames]))

    def _send(self, socket: zmq.asyncio.Socket, frames: list[bytes]) -> None:
        if not socket.closed:
            socket.send_multipart(frames, flags=zmq.DONTWAIT)

    def _meddle(self, frames: list[bytes], send: Callable[[], None]) -> None:
        mischief, happens = self.mischief, lambda chance: self._dice.random() < chance
        self.done["seen"] += 1
        if frames[2].decode() in mischief.kinds or happens(mischief.lose):
            self.done["lost"] += 1
            return
        if happens(mischief.double):
            self.done["doubled"] += 1
            send()
        if self._held is None and happens(mischief.swap):
            self.done["swapped"] += 1
            self._held = send
            self._later(mischief.longest, self._let_go)
        elif happens(mischief.delay):
            self.done["late"] += 1
            self._later(self._dice.random() * mischief.longest, send)
        else:
            send()
            self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held()

    def _later(self, delay: float, action: Callable[[], None]) -> None:
        self._timers.add(asyncio.get_running_loop().call_later(delay, action))


@asynccontextmanager
async def middle_of_the_wire(directory: Path, seed: int = 0) -> AsyncIterator[Middle]:
    """Every master of the block is met through a ``Middle``; ``directory`` is the master's."""
    keys = KeyRing(directory / "keys")
    keys.ensure()
    middle = Middle(keys, seed)
    try:
        async with instead_of_the_master(middle):
            yield middle
    finally:
        await middle.close()


class Wires:
    """TCP connections to the master, which know nothing of what they carry."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        self._targets: dict[str, tuple[str | None, int | None]] = {}
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    async def lay(self) -> None:
        """Listen."""
        for path in PATHS:
            server = await asyncio.start_server(partial(self._connect, path), "127.0.0.1")
            self._servers.append(server)
            self.urls[path] = "tcp://{}:{}".format(*server.sockets[0].getsockname())

    def aim(self, urls: dict[str, str]) -> None:
        """Where new connections lead to from now on."""
        places = {path: urlsplit(url) for path, url in urls.items()}
        self._targets = {path: (place.hostname, place.port) for path, place in places.items()}

    def cut(self) -> int:
        """Break all connections; new ones may be made at once. Returns how many there were."""
        broken = len(self._open)
        for writer in list(self._open):
            writer.transport.abort()
        return broken

    def stall(self) -> None:
        """Carry nothing any more, and say nothing about it."""
        self._flows.clear()

    def resume(self) -> None:
        """Carry again, also what came meanwhile."""
        self._flows.set()

    async def close(self) -> None:
        self.resume()
        for server in self._servers:
            server.close()
        self.cut()
        for server in self._servers:
            await server.wait_closed()

    async def _connect(
        self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        ends = {writer}
        self._open.add(writer)
        try:
            with suppress(OSError):
                there, back = await asyncio.open_connection(*self._targets[path])
                ends.add(back)
                self._open.add(back)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._carry(reader, back))
                    group.create_task(self._carry(there, writer))
        finally:
            self._open -= ends
            for each in ends:
                each.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(2**16):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.close()  # that the other direction ends as well


@asynccontextmanager
async def wires_to_the_master() -> AsyncIterator[Wires]:
    """Every master of the block is met through ``Wires``."""
    wires = Wires()
    await wires.lay()
    try:
        async with instead_of_the_master(wires):
            yield wires
    finally:
        await wires.close()
