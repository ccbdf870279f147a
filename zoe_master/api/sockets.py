"""Server sockets that only clients with a known key can use."""

from __future__ import annotations

import asyncio
import logging

import zmq
import zmq.asyncio
from zmq.auth.asyncio import AsyncioAuthenticator

from zoe_store.keys import MASTER, KeyRing
from zoe_store.wire import bound

LARGEST_REQUEST = 2**20
"""Bytes of a frame that a client may send; one that sends more is disconnected."""

log = logging.getLogger(__name__)


class Sockets:
    """The ZeroMQ context, the authenticator, and the three bound sockets.

    ``commands`` and ``logs`` are ROUTER: followers of logs never use up what requests need.
    ``events`` is PUB.
    """

    def __init__(self, keys: KeyRing, address: str) -> None:
        self._context = zmq.asyncio.Context()
        self._authenticator = AsyncioAuthenticator(self._context)
        self._authenticator.start()
        self._authenticator.configure_curve_callback("*", _KnownClients(keys))
        self._pair = keys.pair(MASTER)
        self.commands, self.commands_url = self._bind(zmq.ROUTER, address)
        self.logs, self.logs_url = self._bind(zmq.ROUTER, address)
        self.events, self.events_url = self._bind(zmq.PUB, address)

    def _bind(self, kind: int, address: str) -> tuple[zmq.asyncio.Socket, str]:
        socket = self._context.socket(kind)
        bound(socket)
        socket.maxmsgsize = LARGEST_REQUEST
        socket.curve_server = True
        socket.curve_publickey = self._pair.public
        socket.curve_secretkey = self._pair.secret
        try:
            socket.bind(f"tcp://{address}:0")
        except zmq.ZMQError as error:
            raise OSError(
                f"c.ZoeMaster.address is {address!r}, and the master cannot listen there: "
                f"{error.strerror}. "
                "Give an IP address of this machine, such as 127.0.0.1"
            ) from error
        return socket, socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def close(self) -> None:
        """Close all sockets; messages that were not yet sent are dropped."""
        for socket in (self.commands, self.logs, self.events):
            socket.close()
        self._authenticator.stop()
        self._context.term()


class _KnownClients:
    """What the authenticator asks at each new connection."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def callback(self, domain: str, key: bytes) -> bool:
        """Whether this client may connect; there is one domain for all."""
        try:
            return await asyncio.to_thread(self._keys.is_client, key)
        except OSError:
            # Raised, it would end the authenticator, and nobody would be let in any more.
            log.exception("A client is refused: the known keys cannot be read")
            return False
