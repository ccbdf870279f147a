"""The messages between launcher, workers and agents: JSON, one a line, signed where it matters.

A connection of a worker, from its point of view::

    receives {"challenge": C}
    sends    {"name": N, "challenge": W, "proof": sign(secret, C, N), "distinct": true}
    receives {"command": X, "proof": sign(secret, W, X)}
    sends    {"started": true}, any number of {"output": text}, {"exit": code}

``distinct`` says that its commands run under a host name that no other worker has. Either side may
send {"refused": why} instead, and close. One connection runs one command, so a signature, which
covers a number used once, is good for one command only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from asyncio import StreamReader, StreamWriter
from typing import Any

LIMIT = 2**20
"""Bytes that a line may have."""

Frame = dict[str, Any]


class ProtocolError(Exception):
    """The other side refused, or said something that has no meaning here."""


class ClosedError(ProtocolError):
    """The other side went away."""


def sign(secret: str, challenge: str, text: str) -> str:
    """Return the HMAC-SHA256 (RFC 2104) of a challenge and a text, in hexadecimal digits."""
    message = json.dumps([challenge, text]).encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def is_signed(secret: str, challenge: str, text: str, proof: object) -> bool:
    """Say whether ``proof`` is the signature; takes the same time for every wrong one."""
    return isinstance(proof, str) and hmac.compare_digest(
        sign(secret, challenge, text).encode(), proof.encode("utf-8", "surrogatepass")
    )


async def send(writer: StreamWriter, **frame: object) -> None:
    """Send one message."""
    writer.write(json.dumps(frame).encode() + b"\n")
    await writer.drain()


async def receive(reader: StreamReader) -> Frame:
    """Return the next message. Raises ProtocolError, also when the other side refuses."""
    try:
        line = await reader.readline()
        frame = json.loads(line) if line else None
    except (ConnectionError, ValueError) as error:  # ValueError: too long, or no JSON
        raise ClosedError(f"The connection broke: {error}.") from None
    if frame is None:
        raise ClosedError("The connection was closed.")
    if not isinstance(frame, dict):
        raise ProtocolError("The other side does not speak this protocol.")
    if "refused" in frame:
        raise ProtocolError(f"Refused: {frame['refused']}")
    return frame
