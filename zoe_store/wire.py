"""What both ends of the wire set on their sockets: bounds on what waits, and heartbeats."""

from __future__ import annotations

import zmq

QUEUED_MESSAGES = 1000
"""Messages that wait for one slow peer, and from it; beyond it they are dropped, never kept."""

_HEARTBEAT = 1000
_GIVE_UP = 3000
"""Milliseconds. A connection on which nothing comes any more is closed, and made anew."""


def bound(socket: zmq.Socket) -> None:
    """Let nothing pile up in a socket, and notice a peer that vanished without a word."""
    socket.linger = 0
    socket.sndhwm = socket.rcvhwm = QUEUED_MESSAGES
    socket.heartbeat_ivl = _HEARTBEAT
    socket.heartbeat_timeout = socket.heartbeat_ttl = _GIVE_UP
