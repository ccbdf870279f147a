"""Times as people read them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from zoe_hub.portal.presenters.times import ago, duration, moment

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "just now"),
        (0, "just now"),
        (4.9, "just now"),
        (5, "5 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "1 day ago"),
        (30 * 86400, "30 days ago"),
        (31 * 86400, "on 22 Oct 2026"),
    ],
)
def test_ago(seconds: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (7805, "2 h 10 min"),
        (86400 + 3 * 3600 + 59, "1 d 3 h"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(NOW, NOW + timedelta(seconds=seconds)) == words


def test_a_moment_is_told_in_utc_wherever_it_was_recorded() -> None:
    told = moment(NOW.astimezone(timezone(timedelta(hours=5))), NOW)
    assert told.iso == "2026-11-22T12:00:00+00:00"
    assert told.exact == "22 Nov 2026, 12:00:00 UTC"
    assert told.ago == "just now"
