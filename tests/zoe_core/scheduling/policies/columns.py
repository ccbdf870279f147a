"""Short ways to make the columns that policies read, and generated ones."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
from hypothesis import strategies as st

from zoe_core.scheduling.policies import Accounts, Requests

UNKNOWN = float("nan")
CAPACITY = (100.0, 100.0, 10.0)


def requests(
    users: Sequence[int],
    *,
    submitted: Sequence[float] | None = None,
    seconds: Sequence[float] | None = None,
    worked: Sequence[float] | None = None,
    essential: Sequence[Sequence[float]] | None = None,
    whole: Sequence[Sequence[float]] | None = None,
    size: Sequence[float] | None = None,
) -> Requests:
    """Requests of these users, each for one unit of everything, one submitted a second."""
    number = len(users)
    of_gangs = _vectors([[1, 1, 0]] * number if essential is None else essential)
    return Requests(
        submitted=np.array(range(number) if submitted is None else submitted, np.float64),
        users=np.array(users, np.int64),
        seconds=np.array([UNKNOWN] * number if seconds is None else seconds, np.float64),
        worked=np.array([0] * number if worked is None else worked, np.float64),
        essential=of_gangs,
        whole=of_gangs if whole is None else _vectors(whole),
        size=np.array([1] * number if size is None else size, np.float64),
    )


def _vectors(rows: Sequence[Sequence[float]]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(len(rows), 3)


def accounts(
    number: int,
    *,
    held: Sequence[Sequence[float]] | None = None,
    past: Sequence[Sequence[float]] | None = None,
    weights: Sequence[float] | None = None,
    groups: Sequence[int] | None = None,
    capacity: Sequence[float] = CAPACITY,
) -> Accounts:
    """So many users without a past, all alike and in no group."""
    nothing = [[0, 0, 0]] * number
    return Accounts(
        held=_vectors(held or nothing),
        past=_vectors(past or nothing),
        weights=np.array(weights or [1] * number, np.float64),
        groups=np.array(groups or [-1] * number, np.int64),
        capacity=np.array(capacity, np.float64),
    )


def rows(of: Requests, chosen: Sequence[int]) -> Requests:
    """Some of the requests, in the order given."""
    at = np.array(chosen, np.int64)
    return Requests(*(getattr(of, each.name)[at] for each in fields(of)))


def held_more(of: Accounts, user: int, more: Sequence[float]) -> Accounts:
    """The accounts after a user got more."""
    held = of.held.copy()
    held[user] += more
    return replace(of, held=held)


@st.composite
def queues(draw: st.DrawFn) -> tuple[Requests, Accounts]:
    """Up to five users in up to three groups or none, and their requests, each of its own time."""
    number = draw(st.integers(1, 5))
    whole, some = st.integers(0, 8).map(float), st.integers(1, 8).map(float)
    vectors = st.tuples(whole, whole, whole)

    def for_each_user(values: st.SearchStrategy) -> list:
        return draw(st.lists(values, min_size=number, max_size=number))

    users = draw(st.lists(st.integers(0, number - 1), max_size=12))

    def for_each_request(values: st.SearchStrategy, **how: object) -> list:
        return draw(st.lists(values, min_size=len(users), max_size=len(users), **how))

    return (
        requests(
            users,
            submitted=sorted(for_each_request(st.integers(0, 10_000), unique=True)),
            seconds=for_each_request(st.sampled_from([UNKNOWN, 0.0, 1.0, 60.0, 86_400.0])),
            worked=for_each_request(st.sampled_from([0.0, 30.0, 90_000.0])),
            essential=for_each_request(st.tuples(some, some, some)),
            whole=for_each_request(st.tuples(some, some, some)),
            size=for_each_request(st.sampled_from([0.5, 1.0, 4.0])),
        ),
        accounts(
            number,
            held=for_each_user(vectors),
            past=for_each_user(vectors.map(lambda each: tuple(1e5 * part for part in each))),
            weights=for_each_user(st.sampled_from([0.5, 1.0, 2.0])),
            groups=for_each_user(st.integers(-1, 2)),
            capacity=draw(st.sampled_from([CAPACITY, (100.0, 50.0, 0.0)])),
        ),
    )
