"""The frames of a message: protocol version, message id, kind, JSON body, and bytes if any.

The first two frames never change their meaning: peers of any two versions can tell each other
apart, and match a refusal with the request that it refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PROTOCOL_VERSION = 3
"""Changes with any message that was there before. One that is new changes nothing for the others: a
peer that does not know it says so."""

_MAGIC = b"zoe/"
_SHOWN = 20  # characters of a version that nobody knows, so that a sentence stays one


class MalformedEnvelope(Exception):
    """The frames are not a message of Zoe at all."""


class WrongVersion(Exception):
    """The peer speaks another version of the protocol; the message says which.

    ``version`` is the peer's; ``id`` is that of its message, empty when it has none.
    """

    def __init__(self, version: str, message_id: str) -> None:
        super().__init__(
            f"the peer speaks version {version} of the protocol, this side version "
            f"{PROTOCOL_VERSION}: install the same version of Zoe on both sides"
        )
        self.version = version
        self.id = message_id


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message as it travels. ``id`` is chosen by whoever asks; the answer carries the same."""

    id: str
    kind: str
    body: bytes
    blob: bytes = b""

    def frames(self) -> list[bytes]:
        """The ZeroMQ frames of this message."""
        version = _MAGIC + str(PROTOCOL_VERSION).encode()
        return [version, self.id.encode(), self.kind.encode(), self.body, self.blob]

    @classmethod
    def parse(cls, frames: Sequence[bytes]) -> Envelope:
        """Read what ``frames`` wrote; raises MalformedEnvelope or WrongVersion."""
        if not frames or not frames[0].startswith(_MAGIC):
            raise MalformedEnvelope("not a message of Zoe")
        version = frames[0].removeprefix(_MAGIC).decode("ascii", "replace")
        if version != str(PROTOCOL_VERSION):
            raise WrongVersion(version[:_SHOWN], id_of(frames))
        if len(frames) != 5:
            raise MalformedEnvelope(f"a message has 5 frames, this one {len(frames)}")
        try:
            return cls(frames[1].decode(), frames[2].decode(), frames[3], frames[4])
        except UnicodeDecodeError as error:
            raise MalformedEnvelope("id and kind must be UTF-8") from error


def id_of(frames: Sequence[bytes]) -> str:
    """The id of a message of any version; empty when it has none."""
    return frames[1].decode("utf-8", "replace") if len(frames) > 1 else ""
