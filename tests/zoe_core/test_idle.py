"""When an idle server is warned about, spared and ended."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import START
from zoe_core.idle import Step, judge, warning_time

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("timeout", "lead"),
    [(HOUR, 15 * MINUTE), (8 * HOUR, 15 * MINUTE), (20 * MINUTE, 5 * MINUTE)],
)
def test_the_warning_is_a_quarter_of_an_hour_or_of_the_timeout(
    timeout: timedelta, lead: timedelta
) -> None:
    assert warning_time(timeout) == lead


@pytest.mark.parametrize(
    ("idle", "warned", "step", "ends"),
    [
        (0, None, Step.NOTHING, None),
        (44, None, Step.NOTHING, None),
        (45, None, Step.WARN, 60),
        (50, None, Step.WARN, 65),  # seen late: the warning is as long all the same
        (300, None, Step.WARN, 315),  # nobody has looked for hours
        (50, 46, Step.NOTHING, 61),
        (60, 45, Step.END, 60),
        (60, 46, Step.NOTHING, 61),
        (61, 46, Step.END, 61),
        (10, -5, Step.SPARE, None),
        (50, -5, Step.WARN, 65),  # that warning was about an earlier time
    ],
)
def test_what_is_done(idle: int, warned: int | None, step: Step, ends: int | None) -> None:
    """All in minutes since the last activity; the timeout is an hour."""
    warned_at = None if warned is None else START + warned * MINUTE
    verdict = judge(START, warned_at, HOUR, START + idle * MINUTE)
    assert verdict.step is step
    assert verdict.ends_at == (None if ends is None else START + ends * MINUTE)


@given(
    st.integers(60, 10**6), st.lists(st.tuples(st.integers(1, 10**6), st.booleans()), max_size=30)
)
def test_nothing_ends_without_the_whole_warning(
    seconds: int, looks: list[tuple[int, bool]]
) -> None:
    """However rarely somebody looks, and whenever it is active in between."""
    timeout, now, active_at, warned_at = timedelta(seconds=seconds), START, START, None
    for pause, active in looks:
        now += timedelta(seconds=pause)
        active_at = now if active else active_at
        verdict = judge(active_at, warned_at, timeout, now)
        if verdict.step is Step.END:
            assert warned_at is not None
            assert now - max(warned_at, active_at) >= warning_time(timeout)
            assert now - active_at >= timeout
            return
        if verdict.step is not Step.NOTHING:
            warned_at = now if verdict.step is Step.WARN else None
