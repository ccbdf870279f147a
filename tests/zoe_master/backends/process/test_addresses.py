"""Loopback addresses: in range, never shared, kept over a restart."""

from ipaddress import IPv4Address
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from zoe_master.backends.process.addresses import COUNT, Addresses, address_of, first_free

NUMBERS = st.integers(min_value=0, max_value=COUNT - 1)


@given(NUMBERS)
def test_every_number_is_a_usable_loopback_address(number: int) -> None:
    first, second, _, last = IPv4Address(address_of(number)).packed
    assert first == 127
    assert 1 <= second <= 254
    assert 1 <= last <= 254


@given(NUMBERS, NUMBERS)
def test_numbers_and_addresses_are_one_to_one(one: int, other: int) -> None:
    assert (address_of(one) == address_of(other)) == (one == other)


def test_the_range_is_used_from_end_to_end() -> None:
    assert address_of(0) == "127.1.0.1"
    assert address_of(COUNT - 1) == "127.254.255.254"


def test_what_is_taken_is_passed_over_also_at_the_end() -> None:
    taken = [address_of(COUNT - 1), address_of(0)]
    assert first_free(COUNT - 1, taken) == address_of(1)


def test_they_are_kept_over_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "addresses.json")
    before = Addresses(path, "one")
    given_out = [before.of(1, "worker", index) for index in range(5)]
    after = Addresses(path, "one")
    after.load()
    assert [after.of(1, "worker", index) for index in range(5)] == given_out


def test_deployments_begin_elsewhere(tmp_path: Path) -> None:
    addresses = {
        Addresses(str(tmp_path / name), name).of(1, "worker", 0) for name in ("one", "two", "three")
    }
    assert len(addresses) == 3
