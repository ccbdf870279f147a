"""Frames that can be read, and those that cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoe_core.protocol import PROTOCOL_VERSION, Envelope, MalformedEnvelope, WrongVersion

VERSION = b"zoe/%d" % PROTOCOL_VERSION


@given(st.text(max_size=40), st.text(max_size=40), st.binary(), st.binary())
def test_what_was_written_is_read(identity: str, kind: str, body: bytes, blob: bytes) -> None:
    envelope = Envelope(identity, kind, body, blob)
    assert Envelope.parse(envelope.frames()) == envelope


def test_the_frames_are_those_of_the_format() -> None:
    assert Envelope("7", "Ping", b"{}", b"log").frames() == [VERSION, b"7", b"Ping", b"{}", b"log"]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "not a message of Zoe"),
        ([b""], "not a message of Zoe"),
        ([b"GET / HTTP/1.1"], "not a message of Zoe"),
        ([VERSION], "5 frames, this one 1"),
        ([VERSION, b"7", b"Ping", b"{}"], "5 frames, this one 4"),
        ([VERSION, b"7", b"Ping", b"{}", b"", b""], "5 frames, this one 6"),
        ([VERSION, b"\xff", b"Ping", b"{}", b""], "UTF-8"),
        ([VERSION, b"7", b"\xff", b"{}", b""], "UTF-8"),
    ],
)
def test_what_is_no_message_is_refused(frames: list[bytes], message: str) -> None:
    with pytest.raises(MalformedEnvelope, match=message):
        Envelope.parse(frames)


@pytest.mark.parametrize("version", [b"0", b"99", b"", b"1.0", b"\xff"])
def test_another_version_is_told_apart_whatever_follows(version: bytes) -> None:
    with pytest.raises(WrongVersion, match="install the same version of Zoe on both sides") as told:
        Envelope.parse([b"zoe/" + version, b"7", b"frames of the future"])
    assert told.value.version == version.decode("ascii", "replace")
    assert told.value.id == "7", "the request that it answers can be told"


def test_a_version_and_nothing_else_can_be_told_apart_as_well() -> None:
    with pytest.raises(WrongVersion) as told:
        Envelope.parse([b"zoe/" + b"9" * 1000])
    assert told.value.id == ""
    assert len(str(told.value)) < 200


@given(st.lists(st.binary(max_size=20), max_size=7))
def test_no_frames_break_the_reader(frames: list[bytes]) -> None:
    for first in (frames, [VERSION, *frames]):
        try:
            Envelope.parse(first)
        except (MalformedEnvelope, WrongVersion):
            continue
