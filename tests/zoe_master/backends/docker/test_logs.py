"""The copy of a container's output: messages taken apart, and a position that can be resumed."""

import logging
import struct
import threading
from pathlib import Path

import pytest

from zoe_master.backends.docker.engine import Engine
from zoe_master.backends.docker.logs import (
    Broken,
    Logs,
    Position,
    append_note,
    last_words,
    parse_message,
    read_piece,
    size_of,
    split_messages,
)
from zoe_master.backends.docker.records import Record
from zoe_master.backends.docker.settings import EngineSettings


def framed(text: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxI", stream, len(text)) + text


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path)


@pytest.mark.parametrize("size", [1, 3, 8, 9, 1000])
def test_messages_are_whole_however_they_arrive(size: int) -> None:
    texts = [b"one\n", b"", b"\x00\xff\n", b"x" * 300]
    stream = b"".join(framed(text, 1 + number % 2) for number, text in enumerate(texts))
    buffer, found = bytearray(), []
    for start in range(0, len(stream), size):
        buffer += stream[start : start + size]
        found += split_messages(buffer)
    assert found == texts
    assert buffer == b""


def test_the_stamp_is_taken_off_and_the_text_is_left_as_it_is() -> None:
    second, text = parse_message(b"1970-01-01T00:01:05.123456789Z  two  blanks \xff\n")
    assert (second, text) == (65, b" two  blanks \xff\n")


def test_a_position_counts_the_messages_of_its_last_second() -> None:
    at = Position()
    for second in (5, 5, 6, 5, 6, 6):  # one came late
        at.count(second)
    assert (at.second, at.messages) == (6, 3)


def test_a_position_is_found_again(record: Record) -> None:
    Position(100, 7, 3).save(record)
    at = Position.load(record)
    assert (at.size, at.second, at.messages) == (100, 7, 3)


@pytest.mark.parametrize("content", ["", "{", "[1]", "[1, 2, 3, 4]"])
def test_without_a_readable_position_a_copy_begins_anew(record: Record, content: str) -> None:
    record.log_state.write_text(content)
    assert Position.load(record).messages == 0


def test_there_is_nothing_to_read_of_what_has_no_copy(record: Record) -> None:
    assert (size_of(record), read_piece(record, 0, 10), last_words(record)) == (0, b"", b"")


def test_a_note_is_added_once(record: Record) -> None:
    record.log.write_bytes(b"output\n")
    for _ in range(2):
        append_note(record, "It was not found.")
    assert record.log.read_bytes() == b"output\n[zoe] It was not found.\n"


def test_the_engines_own_errors_are_no_output() -> None:
    with pytest.raises(Broken, match="Error grabbing logs"):
        list(split_messages(bytearray(framed(b"Error grabbing logs: EOF", 3))))


def test_a_copy_that_is_resumed_neither_loses_nor_doubles_anything(record: Record) -> None:
    stamps = [b"05.1", b"05.1", b"06.2", b"06.2", b"06.3", b"07.0"]
    messages = [
        b"1970-01-01T00:00:%sZ %d\n" % (stamp, number) for number, stamp in enumerate(stamps)
    ]
    for stop in range(len(messages) + 1):
        first = Position()
        text = b"".join(first.take(message) for message in messages[:stop])
        first.save(record)
        second = Position.load(record)
        second.resume()
        again = [each for each in messages if parse_message(each)[0] >= second.second]
        text += b"".join(second.take(message) for message in again)
        assert text == b"0\n1\n2\n3\n4\n5\n"


def test_nothing_is_followed_any_more_once_that_was_ended(record: Record) -> None:
    """As by a start that was under way when the back-end was closed: nobody would end it."""
    log = logging.getLogger("tests.logs")
    logs = Logs(2**20, log)
    logs.close()
    logs.follow(Engine(EngineSettings("here", f"unix://{record.directory}/none"), log), record)
    assert not logs.follows(record)
    assert not [each for each in threading.enumerate() if each.name.endswith(record.name)]
