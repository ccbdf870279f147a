"""Days, weeks and months."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoe_core.intervals import Interval, at_most, begins

moments = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("day", [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)]),
        ("week", [date(2026, 1, 26)]),  # a Monday; the 2nd of February is the next
        ("month", [date(2026, 1, 1), date(2026, 2, 1)]),
    ],
)
def test_each_interval_of_a_period_begins_once(interval: Interval, expected: list[date]) -> None:
    since = datetime(2026, 1, 30, 23, tzinfo=UTC)
    until = datetime(2026, 2, 2, tzinfo=UTC)
    assert list(begins(since, until, interval)) == expected


def test_days_are_those_of_utc() -> None:
    rome = timezone(timedelta(hours=1))
    since = datetime(2026, 1, 31, 0, 30, tzinfo=rome)
    assert list(begins(since, since + timedelta(minutes=1), "day")) == [date(2026, 1, 30)]


@given(
    moments,
    st.timedeltas(timedelta(0), timedelta(days=3000)),
    st.sampled_from(("day", "week", "month")),
)
def test_there_are_never_more_than_was_said(
    since: datetime, length: timedelta, interval: Interval
) -> None:
    found = list(begins(since, since + length, interval))
    assert len(found) <= at_most(since, since + length, interval)
    assert found == sorted(set(found))
