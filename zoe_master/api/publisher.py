"""Tells subscribers that the master is there and how far the event log goes."""

from __future__ import annotations

import asyncio

import zmq.asyncio

from zoe_core.protocol import BEAT_EVERY, Beat


class Publisher:
    """Publishes on a PUB socket. A message may get lost: the next one says the same again.

    What the events are stands in the database, and subscribers also look there by themselves.
    """

    def __init__(self, socket: zmq.asyncio.Socket, epoch: int) -> None:
        self._socket = socket
        self._epoch = epoch
        self._newest_event = 0

    async def run(self) -> None:
        """Beat until it is cancelled."""
        while True:
            self._beat()
            await asyncio.sleep(BEAT_EVERY)

    def publish(self, newest_event: int) -> None:
        """Announce the id of the newest event at once."""
        self._newest_event = max(newest_event, self._newest_event)
        self._beat()

    def _beat(self) -> None:
        beat = Beat(epoch=self._epoch, newest_event=self._newest_event)
        # A PUB socket never blocks: what a slow subscriber cannot take is dropped.
        self._socket.send_multipart(beat.envelope("").frames())
