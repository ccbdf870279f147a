"""Fair shares: who has least for her weight comes next, groups before users."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import START, after
from tests.zoe_core.scheduling.policies.columns import (
    accounts,
    held_more,
    queues,
    requests,
    rows,
)
from zoe_core.amount import Amount
from zoe_core.cluster.past_use import PastUse
from zoe_core.scheduling.policies import Accounts, Fair, Requests


def in_order(asked: Requests, users: Accounts) -> list[int]:
    """Whose requests they are, the first to start first."""
    return asked.users[np.argsort(Fair().keys(asked, users, 0), kind="stable")].tolist()


def saturated(weights: list[float], starts: int, groups: list[int] | None = None) -> list[int]:
    """How many equal requests of each user start, one after the other, when all always have more.

    The order is made anew each time; what started stays.
    """
    users = accounts(len(weights), weights=weights, groups=groups)
    asked = requests([user for user in range(len(weights)) for _ in range(3)])
    for _ in range(starts):
        first = in_order(asked, users)[0]
        users = held_more(users, first, [1, 1, 0])
    return users.held[:, 0].astype(int).tolist()


def test_twice_the_weight_gives_twice_the_share() -> None:
    assert saturated([1, 2], 90) == [30, 60]
    assert saturated([1, 2, 3], 60) == [10, 20, 30]


def test_many_requests_give_no_larger_share() -> None:
    """Alice has sent ten before Bob came with three: they take turns."""
    asked = requests([0] * 10 + [1] * 3)
    assert in_order(asked, accounts(2)) == [0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]


def test_what_counts_is_the_dominant_resource() -> None:
    """The example of the paper: 9 cores and 18 GB; A's tasks take 1 and 4, B's 3 and 1."""
    asked = requests([0] * 4 + [1] * 4, essential=[[4, 1, 0]] * 4 + [[1, 3, 0]] * 4)
    first = in_order(asked, accounts(2, capacity=[18, 9, 0]))[:5]
    assert (first.count(0), first.count(1)) == (3, 2)


def test_what_is_held_already_counts() -> None:
    users = accounts(2, held=[[2, 2, 0], [0, 0, 0]])
    assert in_order(requests([0, 0, 1, 1, 1]), users) == [1, 1, 0, 1, 0]


def test_past_use_counts_less_the_longer_ago_it_was() -> None:
    always = PastUse(START).later(after(1e9), {"alice": Amount(2, 2, 0)}).by_user["alice"]
    a_day_later = PastUse(START, {"alice": always}).later(after(86_400), {}).by_user["alice"]
    asked = requests([0, 1, 1, 1])
    assert in_order(asked, accounts(2, past=[always, (0, 0, 0)])) == [1, 1, 0, 1]
    assert in_order(asked, accounts(2, past=[a_day_later, (0, 0, 0)])) == [1, 0, 1, 1]


def test_groups_share_before_their_users_do() -> None:
    """Two in the first group, one in the second, one in none."""
    assert saturated([1, 1, 1, 1], 60, groups=[0, 0, 1, -1]) == [10, 10, 20, 20]


def test_a_group_has_the_largest_weight_of_its_users() -> None:
    assert saturated([2, 2, 1], 60, groups=[0, 0, 1]) == [20, 20, 20]


def test_an_empty_queue_has_no_keys() -> None:
    assert in_order(requests([]), accounts(0)) == []


@given(queues())
def test_the_order_is_progressive_filling(queue: tuple[Requests, Accounts]) -> None:
    """Sorting once gives what looking for the least share before every start gives."""
    asked, users = queue
    left, keys = list(range(len(asked.users))), Fair().keys(asked, users, 0)
    while left:
        first = left[int(np.argmin(keys[left]))]
        now = Fair().keys(rows(asked, left), users, 0)
        assert now[left.index(first)] == pytest.approx(keys[first])
        assert now.min() == pytest.approx(keys[first])
        users = held_more(users, int(asked.users[first]), asked.essential[first].tolist())
        left.remove(first)


@given(queues(), st.data())
def test_more_weight_never_delays(queue: tuple[Requests, Accounts], data: st.DataObject) -> None:
    """Each by herself: in a group, the others of the group move too."""
    asked, users = queue[0], replace(queue[1], groups=np.full(len(queue[1].groups), -1))
    user = data.draw(st.integers(0, len(users.weights) - 1))
    mine, more = asked.users == user, users.weights.copy()
    more[user] *= 2
    before, then = (Fair().keys(asked, each, 0) for each in (users, replace(users, weights=more)))
    assert (then[mine] <= before[mine]).all()
    assert (then[~mine] == before[~mine]).all()
