"""Run times that were seen, and what they foretell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoe_core.scheduling import history
from zoe_core.scheduling.history import Basis, History, Prediction

run_times = st.lists(st.floats(0, 1e7), min_size=1, max_size=30)


def seen(*seconds: float, user: str = "alice") -> History:
    past = History()
    for each in seconds:
        past.record(user, "spark", each)
    return past


def predicted(past: History, user: str = "alice", **how: float) -> Prediction:
    found = past.predict(user, "spark", how.get("limit"), how.get("survived", 0.0))
    assert found is not None
    return found


def test_nothing_is_known_of_what_never_ran() -> None:
    assert seen(60).predict("alice", "mpi", None) is None


def test_ones_own_runs_tell_most() -> None:
    past = seen(100, 100, 100)
    past.record("bob", "spark", 5000)
    assert predicted(past).mid == 100
    assert predicted(past).basis is Basis.USER
    assert predicted(past, "bob").mid == 5000


def test_who_never_ran_it_runs_it_like_the_others() -> None:
    found = predicted(seen(100, 200, 300), "carol")
    assert (found.mid, found.basis) == (200, Basis.ZAPP)


def test_of_an_unknown_zapp_the_limit_is_known() -> None:
    assert History().predict("alice", "spark", 600) == Prediction(0, 600, 600, Basis.LIMIT)


def test_nothing_is_predicted_above_the_limit() -> None:
    found = predicted(seen(100, 1000, 10_000), limit=500)
    assert found.low < found.mid == found.high == 500


def test_one_odd_run_moves_little() -> None:
    usual = [100.0 + each for each in range(10)]
    found, odd = predicted(seen(*usual)), predicted(seen(*usual, 1e6))
    assert odd.mid == pytest.approx(found.mid, rel=0.01)
    assert odd.low == pytest.approx(found.low, rel=0.01)


def test_few_runs_leave_a_wide_range() -> None:
    found = predicted(seen(100))
    assert (found.low, found.mid, found.high) == pytest.approx((60, 100, 180))


def test_of_many_runs_a_tenth_is_out_on_either_side() -> None:
    found = predicted(seen(*range(1, 20)))
    assert (found.low, found.mid, found.high) == pytest.approx((2, 10, 18))


def test_what_has_run_for_a_while_outlived_the_shorter_runs() -> None:
    past = seen(10, 10, 10, 1000, 2000, 3000)
    assert predicted(past).mid == 505
    assert predicted(past, survived=20).mid == 2000


def test_what_outlived_ones_own_runs_is_told_by_those_of_others() -> None:
    past = seen(10, 20, 30)
    past.record("bob", "spark", 500)
    found = predicted(past, survived=100)
    assert (found.mid, found.basis) == (500, Basis.ZAPP)


def test_what_outlived_all_is_due_to_end() -> None:
    assert predicted(seen(10, 20), survived=100) == Prediction(100, 100, 200, Basis.USER)
    within = predicted(seen(10, 20), survived=100, limit=120)
    assert within == Prediction(100, 100, 120, Basis.USER)


def test_only_the_last_runs_count() -> None:
    past = seen(*[5] * 100, *[700] * history.KEPT_OF_USER)
    assert predicted(past).low == predicted(past).high == 700


def test_names_that_ran_least_lately_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_NAMES", 2)
    past = History()
    for name in ("one", "two", "one", "three"):
        past.record("alice", name, 60)
    assert past.predict("alice", "two", None) is None
    assert past.predict("alice", "one", None) is not None
    assert past.predict("alice", "three", None) is not None


def test_what_is_left_never_vanishes() -> None:
    left = Prediction(50, 100, 300, Basis.USER).left(100, 10)
    assert left == Prediction(10, 10, 200, Basis.USER)


@given(run_times, st.one_of(st.none(), st.floats(1, 1e7)), st.floats(0, 1e7))
def test_a_prediction_is_ordered_and_within_what_is_possible(
    runs: list[float], limit: float | None, survived: float
) -> None:
    found = seen(*runs).predict("alice", "spark", limit, survived)
    assert found is not None
    assert 0 <= found.low <= found.mid <= found.high
    if limit is not None:
        assert found.high <= limit
    assert found.low >= min(survived, limit or survived)
