"""Tells subscribers that there are new events; what they are stands in the database."""

from __future__ import annotations

import zmq.asyncio

from zoe_core.protocol import NewestEvent


class Publisher:
    """Publishes on a PUB socket. A message may get lost: subscribers also look by themselves."""

    def __init__(self, socket: zmq.asyncio.Socket) -> None:
        self._socket = socket

    def publish(self, newest_event: int) -> None:
        """Announce the id of the newest event."""
        # A PUB socket never blocks: what a slow subscriber cannot take is dropped.
        self._socket.send_multipart(NewestEvent(id=newest_event).envelope("").frames())
