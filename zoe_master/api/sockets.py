"""Server sockets that only clients with a known key can use."""

from __future__ import annotations

import zmq
import zmq.asyncio
from zmq.auth.asyncio import AsyncioAuthenticator

from zoe_store.keys import MASTER, KeyRing

QUEUED_MESSAGES = 1000
"""Messages that wait for a slow peer before they are dropped."""


class Sockets:
    """The ZeroMQ context, the authenticator, and the two bound sockets."""

    def __init__(self, keys: KeyRing, address: str) -> None:
        self._context = zmq.asyncio.Context()
        self._authenticator = AsyncioAuthenticator(self._context)
        self._authenticator.start()
        self._authenticator.configure_curve(domain="*", location=str(keys.clients))
        self._pair = keys.pair(MASTER)
        self.commands, self.commands_url = self._bind(zmq.ROUTER, address)
        self.events, self.events_url = self._bind(zmq.PUB, address)

    def _bind(self, kind: int, address: str) -> tuple[zmq.asyncio.Socket, str]:
        socket = self._context.socket(kind)
        socket.curve_server = True
        socket.curve_publickey = self._pair.public
        socket.curve_secretkey = self._pair.secret
        socket.sndhwm = socket.rcvhwm = QUEUED_MESSAGES
        socket.linger = 0
        socket.bind(f"tcp://{address}:0")
        return socket, socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def close(self) -> None:
        """Close both sockets; messages that were not yet sent are dropped."""
        self.commands.close()
        self.events.close()
        self._authenticator.stop()
        self._context.term()
