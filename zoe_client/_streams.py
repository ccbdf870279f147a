"""What is followed while it grows, events and logs: over interruptions, without gap or repeat."""

from __future__ import annotations

import codecs
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
from httpx_sse import EventSource, ServerSentEvent

from zoe_client._connection import Connection, Unreadable, may_pass
from zoe_client._errors import InvalidRequest, NoConnection, Unavailable

SILENCE = 60.0
"""Seconds without a byte, after which a stream is asked for again: it may have died unnoticed, as
when a laptop slept. Events are never silent for as long; for a silent log it costs little.
"""

PATIENCE = 900.0
"""Seconds that Zoe may be away, before following it is given up; less when it never was there."""

NOT_STORED = frozenset({"connected", "execution", "scheduler"})
"""What a stream of events tells beside them: how something is now."""

_BEYOND = 416  # the log is shorter than what was read: it is that of another attempt

_PAUSES = (0.3, 0.6, 1.2, 2.5, 5.0)  # seconds before the next tries, the last one again and again

OnTrouble = Callable[[str | None], None]
"""Told a sentence when Zoe is lost while something is followed, and None when it is back."""

ComesAgain = Callable[[int], Awaitable[bool]]
"""Waits for an attempt at an instance after this one; whether there is one."""


@dataclass
class _Contact:
    """Waits for a Zoe that went away, and says so."""

    connection: Connection
    on_trouble: OnTrouble
    _made: bool = False
    _failures: int = 0
    _lost_at: float = 0.0
    _told: bool = False

    def made(self) -> None:
        """It answers."""
        if self._told:
            self.on_trouble(None)
        self._made, self._failures, self._told = True, 0, False

    async def lost(self, error: NoConnection | Unavailable) -> None:
        """Wait for the next try; raises ``error`` when Zoe is away too long, or never was there.

        Also when it is there and nobody understands it: that would come again with each try.
        """
        if isinstance(error, Unreadable):
            raise error
        now = anyio.current_time()
        if not self._failures:
            self._lost_at = now
        patience = PATIENCE if self._made else self.connection.patience
        if now - self._lost_at > patience or not (self._made or may_pass(error)):
            raise error
        self._failures += 1
        if self._failures == 2:  # the first try comes too soon to be worth a word
            self._told = True
            self.on_trouble(f"{str(error).splitlines()[0]}. Trying again.")
        await anyio.sleep(_PAUSES[min(self._failures, len(_PAUSES)) - 1])


async def follow_events(
    connection: Connection,
    path: str,
    query: dict[str, Any],
    on_trouble: OnTrouble,
    after: int | None = None,
) -> AsyncGenerator[ServerSentEvent, None]:
    """The events of a stream, from the one after ``after``, until it says that it has ended.

    What is ``NOT_STORED`` may come again after an interruption.
    """
    contact, place = _Contact(connection, on_trouble), after
    while True:
        headers = {"Accept": "text/event-stream"}
        if place is not None:
            headers["Last-Event-ID"] = str(place)
        try:
            async with connection.stream(path, query, SILENCE, headers) as response:
                contact.made()
                if response.status_code == httpx.codes.NO_CONTENT:
                    return
                async for event in EventSource(response).aiter_sse():
                    if event.event == "end":
                        return
                    if event.data:  # else it was a comment: they keep the stream alive
                        place = int(event.id) if event.id else place
                        yield event
            await anyio.sleep(_PAUSES[0])  # Zoe ended it, to know anew who is reading
        except (NoConnection, Unavailable) as error:
            await contact.lost(error)


async def follow_log(
    connection: Connection,
    path: str,
    on_trouble: OnTrouble,
    comes_again: ComesAgain,
    tail: int | None = None,
) -> AsyncGenerator[str, None]:
    """The text of a log, then that of the next attempt at its instance, until there is none.

    ``tail``: begin with its last lines.
    """
    contact, reading = _Contact(connection, on_trouble), _Reading(tail)
    while True:
        try:
            async with connection.stream(path, reading.query, SILENCE) as response:
                contact.made()
                if not reading.goes_on(response):
                    continue
                async for data in response.aiter_bytes():
                    yield reading.text_of(data)
            yield reading.rest()
            if not await comes_again(reading.attempt):
                return
            reading.begin_anew()
        except (NoConnection, Unavailable) as error:
            await contact.lost(error)
        except InvalidRequest as error:
            if error.problem.status != _BEYOND or not reading.offset:
                raise
            reading.begin_anew()


class _Reading:
    """The place in a log, in bytes, and whose log it is."""

    def __init__(self, tail: int | None) -> None:
        self._tail = tail
        self.attempt = 0
        self._decode = _decoder()
        self.offset: int | None = None

    @property
    def query(self) -> dict[str, Any]:
        """What to ask for next."""
        place = {"tail": self._tail} if self.offset is None else {"offset": self.offset}
        return {"follow": True, **{key: value for key, value in place.items() if value is not None}}

    def goes_on(self, response: httpx.Response) -> bool:
        """Whether an answer is what comes next; else it is of another attempt."""
        attempt = int(response.headers["X-Log-Attempt"])
        if self.offset and self.attempt not in (0, attempt):
            self.begin_anew()
            return False
        self.attempt, self.offset = attempt, int(response.headers["X-Log-Offset"])
        return True

    def begin_anew(self) -> None:
        """With the log of another attempt."""
        self.attempt, self._decode, self.offset = 0, _decoder(), 0

    def text_of(self, data: bytes) -> str:
        """The text of the next bytes."""
        self.offset = (self.offset or 0) + len(data)
        return self._decode.decode(data)

    def rest(self) -> str:
        """What is left of a character that was cut."""
        return self._decode.decode(b"", final=True)


async def read_text(
    connection: Connection, path: str, query: dict[str, Any]
) -> AsyncGenerator[str, None]:
    """The text that is there now: a log, a file."""
    decode = _decoder()
    async with connection.stream(path, query, SILENCE) as response:
        async for data in response.aiter_bytes():
            yield decode.decode(data)
    yield decode.decode(b"", final=True)


def _decoder() -> codecs.IncrementalDecoder:
    """Logs are bytes; a character may be cut in two, or be none at all."""
    return codecs.getincrementaldecoder("utf-8")("replace")
