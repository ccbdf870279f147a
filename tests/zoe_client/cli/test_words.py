"""Amounts, times and names in the words of a terminal, and read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from zoe_client.cli import _words as words

NOW = datetime(2026, 11, 2, 14, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, 漢字 ✓", "Grüße, 漢字 ✓"),
        ("\x1b[31mred", "?[31mred"),
        ("left\u202eright", "left?right"),
        (" two\nlines\r", "two lines"),
    ],
)
def test_nothing_that_is_shown_speaks_to_a_terminal(text: str, shown: str) -> None:
    assert words.printable(text) == shown


@pytest.mark.parametrize("length", [1, 2, 3, 100])
def test_lines_end_as_those_of_commands_wherever_pieces_end(length: int) -> None:
    text = 'user,hours\r\n"a,b",1\r\n\'=x,2\r\n'
    pieces = [text[start : start + length] for start in range(0, len(text), length)]
    assert "".join(words.plain_lines(pieces)) == 'user,hours\n"a,b",1\n\'=x,2\n'


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "-"), (0.4, "0s"), (59.6, "1m"), (3600 + 61, "1h 1m"), (90_000, "1d 1h"), (-5, "0s")],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-60, "just now"), (40, "40 s ago"), (180, "3 min ago"), (86_400, "1 day ago")],
)
def test_how_long_ago(seconds: float, said: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == said


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("5m", 300), ("5 min", 300), ("1h30m", 5400), ("1w", 604_800)]
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert words.read_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("8GB", 2**33), ("512m", 2**29), ("1.5 GiB", 3 * 2**29), ("7", 7)]
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert words.read_size(text) == size


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T02:00+02:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2h", NOW - timedelta(hours=2)),
    ],
)
def test_a_moment_is_read(text: str, moment: datetime) -> None:
    assert words.read_moment(text, NOW) == moment


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (words.read_duration, "soon"),
        (words.read_duration, "-5"),
        (words.read_size, "8 XB"),
        (lambda text: words.read_moment(text, NOW), "yesterday"),
        (lambda text: words.read_moment(text, NOW), "99999999999w"),
    ],
)
def test_what_cannot_be_read_is_named(read: object, text: str) -> None:
    with pytest.raises(ValueError, match=f"is '{text}': must be"):
        read(text)  # type: ignore[operator]
