"""Which addresses a network gets."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from zoe_master.backends.docker.subnets import Pool, routed_here

POOL = Pool.parse("10.201.0.0/16", 25)


def chosen(first: int, *taken: str, pool: Pool = POOL) -> str:
    return str(pool.choose(first, map(IPv4Network, taken)))


def test_the_number_says_which() -> None:
    assert POOL.size == 512
    assert chosen(0) == "10.201.0.0/25"
    assert chosen(3) == "10.201.1.128/25"
    assert chosen(512 + 3) == "10.201.1.128/25"


def test_what_is_taken_is_passed_over() -> None:
    assert chosen(0, "10.201.0.0/25") == "10.201.0.128/25"
    assert chosen(0, "10.201.0.64/28", "10.201.0.200/32") == "10.201.1.0/25"
    assert chosen(0, "10.201.0.0/22", "172.17.0.0/16") == "10.201.4.0/25"
    assert chosen(511, "10.201.255.128/25") == "10.201.0.0/25"


def test_neighbours_take_nothing() -> None:
    assert chosen(0, "10.200.0.0/16", "10.202.0.0/16") == "10.201.0.0/25"
    assert chosen(511, "10.200.0.0/16", "10.202.0.0/16") == "10.201.255.128/25"


def test_there_may_be_none_left() -> None:
    assert POOL.choose(7, [IPv4Network("10.0.0.0/8")]) is None
    small = Pool.parse("10.201.0.0/24", 25)
    assert chosen(1, "10.201.0.128/25", pool=small) == "10.201.0.0/25"
    assert small.choose(0, [IPv4Network("10.201.0.0/25"), IPv4Network("10.201.0.128/25")]) is None


def test_all_of_a_pool_are_different() -> None:
    taken: list[IPv4Network] = []
    for number in range(POOL.size):
        subnet = POOL.choose(number * 7, taken)
        assert subnet is not None
        assert not any(subnet.overlaps(other) for other in taken[-8:])
        taken.append(subnet)
    assert len(set(taken)) == POOL.size
    assert POOL.choose(0, taken) is None


@pytest.mark.parametrize(
    ("whole", "length", "complaint"),
    [
        ("10.201.0.1/16", 25, r"address_pool: '10.201.0.1/16' must be a network"),
        ("everything", 25, r"address_pool: 'everything' must be a network such as 10.201.0.0/16"),
        ("10.201.0.0/16", 30, "network_prefix: 30 must be from 16 to 29"),
        ("10.201.0.0/16", 8, "network_prefix: 8 must be from 16 to 29"),
        ("10.201.0.0/24", 20, "network_prefix: 20 must be from 24 to 29"),
    ],
)
def test_what_is_wrong_is_said(whole: str, length: int, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Pool.parse(whole, length)


def test_routes_of_this_machine_are_read(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    assert routed_here(table) == [IPv4Network("192.0.2.0/24")]
