from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoe_core.amount import Amount, describe_memory

amounts = st.builds(Amount, st.integers(0, 2**50), st.integers(0, 10**6), st.integers(0, 64))


def test_cores_become_whole_thousandths() -> None:
    assert Amount.of(1024, 0.1) == Amount(1024, 100, 0)
    assert Amount.of(0, 2.5, gpus=1) == Amount(0, 2500, 1)
    assert Amount.of(0, 2.5).cores == 2.5


def test_ten_tenths_of_a_core_are_one_core() -> None:
    assert Amount.of(0, 0.1) * 10 == Amount.of(0, 1)


@given(amounts, amounts)
def test_what_is_added_can_be_taken_away(one: Amount, other: Amount) -> None:
    assert one + other - other == one
    assert one.fits_in(one + other)


@given(amounts, st.integers(0, 50))
def test_a_multiple_is_a_repeated_sum(amount: Amount, count: int) -> None:
    assert amount * count == count * amount == sum([amount] * count, Amount())


@pytest.mark.parametrize("room", [Amount(99, 1000, 1), Amount(100, 999, 1), Amount(100, 1000, 0)])
def test_it_does_not_fit_where_one_thing_is_missing(room: Amount) -> None:
    assert Amount(100, 1000, 1).fits_in(Amount(100, 1000, 1))
    assert not Amount(100, 1000, 1).fits_in(room)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KB"),
        (512 * 2**20, "512 MB"),
        (3 * 2**29, "1.5 GB"),
        (2**30 - 1, "1 GB"),
        (2**40, "1 TB"),
        (2**62, "4096 PB"),
        (-(2**30), "-1 GB"),
    ],
)
def test_memory_in_words(size: int, said: str) -> None:
    assert describe_memory(size) == said


def test_an_amount_in_words() -> None:
    assert Amount.of(4 * 2**30, 2).describe() == "4 GB, 2 cores"
    assert Amount.of(2**30, 1, 1).describe() == "1 GB, 1 core, 1 GPU"
    assert Amount.of(2**29, 0.1, 2).describe() == "512 MB, 0.1 cores, 2 GPUs"
