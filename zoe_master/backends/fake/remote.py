"""The master's end of a fake engine that runs in a process of its own; see ``serve``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from multiprocessing.connection import Client, Connection
from signal import SIGTERM, Signals
from typing import Any

from zoe_core.cluster import InstanceId
from zoe_master.backends.base import InstanceSpec, Retry, Watcher
from zoe_master.backends.fake.engine import Instance, Script

_PATIENCE = 10.0  # seconds for an answer
_TICK = 0.1  # seconds between two looks whether a watch was ended, or the engine is back


class RemoteEngine:
    """Does what ``FakeEngine`` does, by asking the one at the Unix socket ``address``.

    Every method raises Retry while that one does not answer. A watch that was interrupted goes on
    by itself; what changed meanwhile is missed.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    @property
    def failed_nodes(self) -> frozenset[str]:
        """The names of the nodes that are switched off."""
        return self._ask("failed_nodes")

    @property
    def pressured_nodes(self) -> frozenset[str]:
        """The names of the nodes whose memory is short."""
        return self._ask("pressured_nodes")

    def now(self) -> float:
        """Seconds, by the clock of the engine."""
        return self._ask("now")

    def script(self, service: str, script: Script) -> None:
        """See ``FakeEngine.script``."""
        self._ask("script", service, script)

    def lose(self, instance: InstanceId) -> None:
        """See ``FakeEngine.lose``."""
        self._ask("lose", instance)

    def start(self, spec: InstanceSpec) -> None:
        """See ``FakeEngine.start``."""
        self._ask("start", spec)

    def press_node(self, name: str) -> None:
        """See ``FakeEngine.press_node``."""
        self._ask("press_node", name)

    def relieve_node(self, name: str) -> None:
        """See ``FakeEngine.relieve_node``."""
        self._ask("relieve_node", name)

    def stop(
        self,
        identity: InstanceId,
        grace: float,
        signal: Signals = SIGTERM,
        reason: str | None = None,
    ) -> None:
        """See ``FakeEngine.stop``."""
        self._ask("stop", identity, grace, signal, reason)

    def remove(self, identity: InstanceId) -> None:
        """See ``FakeEngine.remove``."""
        self._ask("remove", identity)

    def find(self, identity: InstanceId) -> Instance | None:
        """A copy of the instance as it is now."""
        return self._ask("find", identity)

    def instances(self) -> list[Instance]:
        """Copies of all of them."""
        return self._ask("instances")

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """See ``Backend.watch``; the calls come from a thread of this watch."""
        ended = threading.Event()
        first = self._subscribe()
        thread = threading.Thread(
            target=self._follow, args=(first, watcher, ended), name="zoe-fake-watch", daemon=True
        )
        thread.start()

        def end() -> None:
            ended.set()
            thread.join()

        return end

    def _ask(self, operation: str, *arguments: object) -> Any:
        with self._request(operation, arguments) as connection:
            return self._answer(connection)

    def _subscribe(self) -> Connection:
        connection = self._request("watch", ())
        try:
            self._answer(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _request(self, operation: str, arguments: tuple[object, ...]) -> Connection:
        try:
            connection = Client(self._address, family="AF_UNIX")
            connection.send((operation, arguments))
        except OSError as error:
            raise self._away(str(error)) from error
        return connection

    def _answer(self, connection: Connection) -> Any:
        try:
            if not connection.poll(_PATIENCE):
                raise self._away("no answer")
            error, value = connection.recv()
        except (OSError, EOFError) as gone:
            raise self._away(str(gone) or "it has ended") from gone
        if error is not None:
            raise error
        return value

    def _away(self, why: str) -> Retry:
        return Retry(f"The fake engine at {self._address} does not answer: {why}.")

    def _follow(self, connection: Connection, watcher: Watcher, ended: threading.Event) -> None:
        while not ended.is_set():
            if _pass_on(connection, watcher, ended):
                return
            while not ended.wait(_TICK):
                try:
                    connection = self._subscribe()
                    break
                except Retry:
                    continue


def _pass_on(connection: Connection, watcher: Watcher, ended: threading.Event) -> bool:
    """Hand on what comes until the watch is ended; False when the engine has gone instead."""
    with connection:
        try:
            while not ended.is_set():
                if connection.poll(_TICK):
                    watcher(connection.recv())
        except (OSError, EOFError):
            return False
    return True
