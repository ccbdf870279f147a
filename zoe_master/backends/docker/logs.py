"""Copies the output of containers into files of our own, which outlive them, capped.

The engine is asked for its log with time stamps. Where a copy stands is kept beside it: how many
bytes of the copy are good, and how many messages from the beginning of which second they hold. A
copy that is resumed asks for that second again and skips as many, so that nothing is lost or
doubled, whatever was killed in between.
"""

from __future__ import annotations

import json
import logging
import os
import struct
import threading
import time
from calendar import timegm
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import BinaryIO

import requests
import urllib3
from docker.types import CancellableStream

from zoe_master.backends.base import BackendError, Fatal
from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.records import Record
from zoe_master.backends.process.primitives import write_atomically

# The header of a message: the stream's number, three zeros, the length of what follows
# (Docker Engine API, "Attach to a container", stream format).
_HEADER = struct.Struct(">BxxxI")
_ERRORS = 3  # the stream of the engine's own errors
_PIECE = 1 << 16
_PAUSE = 1.0
"""Seconds until a stream that broke is asked for again, and between two notes of the position."""


class Position:
    """Where a copy stands: bytes of the file, and messages since the beginning of a second."""

    def __init__(self, size: int = 0, second: int = 0, messages: int = 0) -> None:
        self.size, self.second, self.messages = size, second, messages
        self._skip = 0

    @classmethod
    def load(cls, record: Record) -> Position:
        """Where the copy of ``record`` stood; at its beginning when that is not known."""
        with suppress(FileNotFoundError, ValueError, TypeError):
            return cls(*json.loads(record.log_state.read_bytes()))
        return cls()

    def save(self, record: Record) -> None:
        """Note it, unless it was not reached again. FileNotFoundError: the record was removed."""
        if self._skip:
            return
        state = [self.size, self.second, self.messages]
        write_atomically(str(record.log_state), json.dumps(state))

    def resume(self) -> None:
        """The engine begins anew with the first message of the second."""
        self._skip, self.messages = self.messages, 0

    def take(self, message: bytes) -> bytes:
        """The text of a message; empty when the copy has it."""
        second, text = parse_message(message)
        self.count(second)
        if not self._skip:
            return text
        self._skip -= 1
        return b""

    def count(self, second: int) -> None:
        """One more message, of that second. One that comes late belongs to none that is asked."""
        if second > self.second:
            self.second, self.messages = second, 1
        elif second == self.second:
            self.messages += 1


class Broken(OSError):
    """The engine says that it cannot go on reading a log, as while it changes files."""


def split_messages(buffer: bytearray) -> Iterator[bytes]:
    """Take all whole messages, without their headers, out of ``buffer``. Raises Broken."""
    start = 0
    while start + _HEADER.size <= len(buffer):
        stream, length = _HEADER.unpack_from(buffer, start)
        end = start + _HEADER.size + length
        if end > len(buffer):
            break
        if stream == _ERRORS:
            raise Broken(bytes(buffer[start + _HEADER.size : end]).decode(errors="replace"))
        yield bytes(buffer[start + _HEADER.size : end])
        start = end
    del buffer[:start]


def parse_message(message: bytes) -> tuple[int, bytes]:
    """The second since 1970 and the text of ``2026-11-23T04:05:06.123456789Z text``."""
    stamp, _, text = message.partition(b" ")
    return _second(stamp[:19]), text


@lru_cache(maxsize=8)  # many messages share a second, and strptime is slow
def _second(stamp: bytes) -> int:
    return timegm(time.strptime(stamp.decode("ascii"), "%Y-%m-%dT%H:%M:%S"))


def _take(buffer: bytearray, at: Position) -> tuple[bytearray, bool]:
    """The new text in ``buffer``, and whether the engine says that it broke off after that."""
    text = bytearray()
    try:
        for message in split_messages(buffer):
            text += at.take(message)
    except Broken:
        return text, True
    return text, False


class Follower:
    """A thread that copies the output of one container until that has ended."""

    def __init__(self, engine: Engine, record: Record, limit: int, log: logging.Logger) -> None:
        self._engine, self._record, self._limit, self._log = engine, record, limit, log
        self._stream: CancellableStream | None = None
        self._closing = threading.Event()
        self._done = threading.Event()
        name = f"zoe-docker-log-{record.name}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait until all there will ever be was copied; whether it was."""
        return self._done.wait(timeout)

    def close(self) -> None:
        """Stop copying; another one may go on."""
        self._closing.set()
        stream = self._stream
        if stream is not None:
            with suppress(OSError, AttributeError):
                stream.close()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                if self._copy():
                    break
            except FileNotFoundError:
                break  # the record was removed
            except Fatal as error:  # the container was removed
                self._log.debug("The log of %s ends: %s", self._record.name, error)
                break
            except BackendError as error:
                self._log.debug("The log of %s must wait: %s", self._record.name, error)
            except OSError as error:
                self._log.warning("The log of %s cannot be kept: %s", self._record.name, error)
            self._closing.wait(_PAUSE)
        self._done.set()

    def _copy(self) -> bool:
        """Copy from where we are; True when the container has ended or the copy is full."""
        at = Position.load(self._record)
        if at.size > self._limit:
            return True
        answer = self._engine.stream(
            f"/containers/{self._record.name}/logs",
            stdout="1", stderr="1", follow="1", timestamps="1", since=str(at.second),
        )  # fmt: skip
        pieces = answer.raw.stream(_PIECE, decode_content=False)
        self._stream = CancellableStream(pieces, answer)
        with open(self._record.log, "ab") as file, answer:
            file.truncate(at.size)
            return self._closing.is_set() or self._pump(pieces, file, at)

    def _pump(self, pieces: Iterator[bytes], file: BinaryIO, at: Position) -> bool:
        """Copy until the stream ends; True when that is the end of all."""
        saved, buffer = time.monotonic(), bytearray()
        at.resume()
        try:
            for piece in pieces:
                buffer += piece
                text, broken = _take(buffer, at)
                if self._write(file, text, at):
                    return True
                if broken:
                    return False
                if time.monotonic() - saved >= _PAUSE:
                    at.save(self._record)
                    saved = time.monotonic()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            return False
        finally:
            at.save(self._record)
        return not self._closing.is_set()

    def _write(self, file: BinaryIO, text: bytearray, at: Position) -> bool:
        """Append what still fits; whether it is full."""
        room = self._limit - at.size
        kept = text[: max(0, room)]
        if len(text) > room:
            kept += f"\n[zoe] The log has reached {self._limit} bytes; ".encode()
            kept += b"what follows is not kept.\n"
        file.write(kept)
        file.flush()
        at.size += len(kept)
        return at.size > self._limit


class Logs:
    """The followers of all containers."""

    def __init__(self, limit: int, log: logging.Logger) -> None:
        self._limit, self._log = limit, log
        self._lock = threading.Lock()
        self._followers: dict[str, Follower] = {}
        self._closed = False

    def follow(self, engine: Engine, record: Record) -> None:
        """Begin to copy, unless somebody does or did, or nothing is copied any more."""
        with self._lock:
            if not self._closed and record.name not in self._followers:
                self._followers[record.name] = Follower(engine, record, self._limit, self._log)

    def follows(self, record: Record) -> bool:
        """Whether somebody copies it, or did."""
        return record.name in self._followers

    def wait(self, record: Record, timeout: float) -> bool:
        """Wait for the last words of a container that has ended; whether they were copied."""
        follower = self._followers.get(record.name)
        return follower is None or follower.wait(timeout)

    def forget(self, record: Record) -> None:
        """Stop copying."""
        with self._lock:
            follower = self._followers.pop(record.name, None)
        if follower is not None:
            follower.close()

    def close(self) -> None:
        """Stop copying everything."""
        with self._lock:
            self._closed = True
            followers, self._followers = self._followers, {}
        for follower in followers.values():
            follower.close()


def size_of(record: Record) -> int:
    """Bytes copied so far; 0 when there is no copy."""
    with suppress(FileNotFoundError):
        return os.stat(record.log).st_size
    return 0


def read_piece(record: Record, offset: int, limit: int) -> bytes:
    """At most ``limit`` bytes of the copy from ``offset``."""
    with suppress(FileNotFoundError), record.log.open("rb") as file:
        file.seek(offset)
        return file.read(limit)
    return b""


def last_words(record: Record) -> bytes:
    """The end of the copy, some lines of it."""
    return read_piece(record, max(0, size_of(record) - 4096), 4096)


def append_note(record: Record, sentence: str) -> None:
    """Add a line of our own, marked as such, to the copy of a container that has ended; once."""
    note = f"[zoe] {sentence}\n".encode(errors="backslashreplace")
    if not last_words(record).endswith(note):
        with open(record.log, "ab") as file:
            file.write(note)
