"""The figures of a run, against lives that were written by hand."""

import json

import pytest

from zoe_core.amount import Amount
from zoe_core.simulation import Component, Job, Life, Run, Work, metrics

ONE = Component(Amount(2**30, 1000), 1)


def life(
    submitted: float,
    started: float | None,
    ended: float | None,
    user: str = "ann",
    seconds: float = 100,
) -> Life:
    return Life(Job(1, user, submitted, (ONE,), Work(seconds)), started, ended)


def run(*lives: Life, used: tuple[tuple[float, Amount], ...] = ()) -> Run:
    return Run(lives, used, Amount(4 * 2**30, 2000))


def test_times_are_counted_from_the_submission() -> None:
    figures = metrics(run(life(0, 0, 100), life(10, 100, 200), life(20, 200, 300)))

    assert figures["turnaround"] == {"mean": 190, "median": 190, "p95": 280, "max": 280}
    assert figures["waiting"] == {"mean": 90, "median": 90, "p95": 180, "max": 180}
    assert figures["makespan"] == 300


def test_slowdown_is_bounded_for_short_jobs() -> None:
    figures = metrics(run(life(0, 40, 41, seconds=1), life(0, 0, 2, seconds=2)))

    assert figures["slowdown"]["max"] == 4.1
    assert figures["slowdown"]["mean"] == (4.1 + 1) / 2


def test_what_never_started_is_counted_and_nothing_else() -> None:
    figures = metrics(run(life(0, 0, 100), life(0, None, None)))

    assert (figures["jobs"], figures["ended"], figures["never_started"]) == (2, 1, 1)
    assert figures["turnaround"]["mean"] == 100


def test_use_is_weighed_by_time() -> None:
    used = ((0.0, Amount(2**30, 1000)), (50.0, Amount(2**31, 2000)), (100.0, Amount()))
    use = metrics(run(life(0, 0, 100), used=used))["utilisation"]

    assert use["cores"] == 0.75
    assert use["memory"] == 0.375
    assert use["over_time"][0] == [0.0, 0.5, 0.25]
    assert use["over_time"][-1] == [99.0, 1.0, 0.5]


def test_fairness_is_jains_index_over_users() -> None:
    equal = metrics(run(life(0, 0, 200, "ann"), life(0, 0, 200, "bob")))
    unequal = metrics(run(life(0, 0, 100, "ann"), life(0, 200, 300, "bob")))

    assert equal["fairness"] == 1
    assert unequal["fairness"] == pytest.approx((1 + 3) ** 2 / (2 * (1 + 9)))


def test_nothing_at_all_has_figures_too() -> None:
    figures = metrics(run())

    assert figures["turnaround"]["mean"] is None
    assert json.loads(json.dumps(figures)) == figures
