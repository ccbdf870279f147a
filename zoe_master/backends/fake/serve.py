"""A fake engine in a process of its own, so that its instances outlive the master, as real ones do.

``python -m zoe_master.backends.fake.serve SOCKET`` serves it on a Unix socket of mode 0600: who may
open that is trusted. ``remote`` is the other end. A connection carries one request, the name of an
operation and its arguments, and one answer: an error or None, and a value. After the answer to
``watch`` it carries each observation, until one side closes it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from multiprocessing.connection import Connection, Listener
from typing import Any

from zoe_master.backends.base import BackendError, Observation
from zoe_master.backends.fake.engine import FakeEngine

BACKLOG = 128
_OPERATIONS = (
    "find",
    "instances",
    "lose",
    "now",
    "press_node",
    "relieve_node",
    "remove",
    "script",
    "start",
    "stop",
)


class EngineServer:
    """Answers for ``engine`` on the socket ``address``, each connection in a thread."""

    def __init__(self, engine: FakeEngine, address: str) -> None:
        self._engine = engine
        self._operations = {name: getattr(engine, name) for name in _OPERATIONS}
        self._operations["failed_nodes"] = lambda: engine.failed_nodes
        self._operations["pressured_nodes"] = lambda: engine.pressured_nodes
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)  # of a server that was killed
        umask = os.umask(0o177)
        try:
            self._listener = Listener(address, family="AF_UNIX", backlog=BACKLOG)
        finally:
            os.umask(umask)

    def run(self) -> None:
        """Serve until the process ends."""
        while True:
            connection = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with connection, contextlib.suppress(OSError, EOFError):  # the other side has gone
            operation, arguments = connection.recv()
            if operation == "watch":
                self._stream(connection)
            else:
                connection.send(self._answer(operation, arguments))

    def _answer(self, operation: str, arguments: tuple[Any, ...]) -> tuple[Exception | None, Any]:
        try:
            return None, self._operations[operation](*arguments)
        except (BackendError, KeyError) as error:
            return error, None

    def _stream(self, connection: Connection) -> None:
        """Through a queue: a watcher that does not read must not hold up the engine."""
        changes: queue.SimpleQueue[Observation] = queue.SimpleQueue()
        end = self._engine.watch(changes.put)
        try:
            connection.send((None, None))
            while True:
                connection.send(changes.get())
        finally:
            end()


if __name__ == "__main__":
    EngineServer(FakeEngine(), sys.argv[1]).run()
