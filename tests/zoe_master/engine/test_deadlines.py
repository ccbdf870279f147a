"""Moments come in order, as they were put last, however often."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import after
from zoe_master.engine.deadlines import Deadlines

PUTS = st.lists(
    st.tuples(st.integers(0, 5), st.none() | st.integers(0, 20), st.integers(0, 5)), max_size=300
)


@given(PUTS)
def test_those_have_passed_whose_last_moment_has(puts: list[tuple[int, int | None, int]]) -> None:
    deadlines, last, now = Deadlines(), {}, 0
    for key, moment, later in puts:
        last[key], now = moment, now + later
        deadlines.put(key, None if moment is None else after(moment))
        due = {each for each, when in last.items() if when is not None and when <= now}
        assert deadlines.passed(after(now)) == due
        assert deadlines.passed(after(now)) == due, "a step may not have been written"


def test_what_was_put_off_is_forgotten_in_time() -> None:
    deadlines = Deadlines()
    for moment in range(10_000):
        deadlines.put(1, after(moment))
    assert len(deadlines._coming) < 200
