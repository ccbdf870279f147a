"""What holds for every policy, and the two orders that look at one request alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zoe_core.scheduling.policies.columns import (
    UNKNOWN,
    accounts,
    queues,
    requests,
    rows,
)
from zoe_core.scheduling.policies import Accounts, Fair, Fifo, Hrrn, Policy, Requests, Size

EVERY = pytest.mark.parametrize("policy", [Fifo(), Size(), Hrrn(), Fair()])


@EVERY
@given(queues())
def test_keys_are_numbers_that_depend_on_nothing_but_the_input(
    policy: Policy, queue: tuple[Requests, Accounts]
) -> None:
    asked, users = queue
    keys = policy.keys(asked, users, 20_000)
    assert keys.shape == (len(asked.users),)
    assert np.isfinite(keys).all()
    assert (keys == policy.keys(asked, users, 20_000)).all()


def test_fifo_is_by_submission() -> None:
    assert Fifo().keys(requests([0, 0, 0]), accounts(1), 50).argsort().tolist() == [0, 1, 2]


@pytest.mark.parametrize("policy", [Fifo(), Size(), Hrrn()])
@given(queues(), st.data())
def test_these_look_at_each_request_by_itself(
    policy: Policy, queue: tuple[Requests, Accounts], data: st.DataObject
) -> None:
    asked, users = queue
    some = data.draw(
        st.lists(st.sampled_from(range(len(asked.users)))) if len(asked.users) else st.just([])
    )
    keys = policy.keys(asked, users, 20_000)
    assert (policy.keys(rows(asked, some), users, 20_000) == keys[some]).all()


def test_the_size_is_run_time_times_the_dominant_share_of_all_instances() -> None:
    asked = requests(
        [0, 0, 0],
        seconds=[600, 60, 300],
        whole=[[1, 1, 0], [1, 20, 0], [1, 1, 1]],  # 0.01, 0.2, 0.1 of the cluster
    )
    assert Size().keys(asked, accounts(1), 0) == pytest.approx([6, 12, 30])


def test_an_unknown_run_time_is_an_hour_for_each_unit_of_the_hint() -> None:
    asked = requests([0, 0, 0], seconds=[UNKNOWN, UNKNOWN, 3600], size=[1, 0.5, 7])
    keys = Size().keys(asked, accounts(1), 0)
    assert keys[1] < keys[0] == keys[2]


def test_what_has_worked_longer_than_was_expected_counts_as_that() -> None:
    asked = requests([0, 0, 0, 0], seconds=[60, 60, UNKNOWN, UNKNOWN], worked=[30, 600, 30, 7200])
    assert asked.known_seconds().tolist() == [60, 600, 3600, 7200]


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_the_response_ratio_prefers_short_ones_that_wait_alike(one: float, other: float) -> None:
    short, long = sorted((one, other))
    asked = requests([0, 0], submitted=[0, 0], seconds=[short, long])
    keys = Hrrn().keys(asked, accounts(1), 1000)
    assert keys[0] <= keys[1]


@given(queues(), st.floats(1, 1e6))
def test_with_time_every_request_comes_before_all_that_are_new(
    queue: tuple[Requests, Accounts], longer: float
) -> None:
    """However small the new ones are: that only makes it take longer."""
    asked, users = queue
    work = asked.work(users.capacity)
    if not len(work):
        return
    patience = asked.known_seconds().max() * work.max() / work.min()
    now = 10_000 + patience + longer
    of_new = Hrrn().keys(replace(asked, submitted=np.full(len(work), now)), users, now)
    assert Hrrn().keys(asked, users, now).max() < of_new.min()


def test_the_response_ratio_counts_from_the_submission_and_for_each_part_of_the_cluster() -> None:
    asked = requests(
        [0, 0, 0],
        submitted=[0, 900, 900],
        seconds=[1000, 100, 100],
        whole=[[10, 1, 0], [10, 1, 0], [1, 5, 0]],
    )
    assert Hrrn().keys(asked, accounts(1), 1000) == pytest.approx([-20, -20, -40])
