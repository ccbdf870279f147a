"""Chooses addresses for networks: subnets of a pool of ours, beside what an engine has already.

An engine left to itself has pools for about thirty networks, which it shares with all other
programs that use it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

_LARGEST, _SMALLEST = 16, 29  # prefix lengths of a network: 65,533 and 5 instances


@dataclass(frozen=True, slots=True)
class Pool:
    """All subnets of ``whole`` with prefixes of ``length`` bits; their numbers begin with 0."""

    whole: IPv4Network
    length: int

    @classmethod
    def parse(cls, whole: str, length: int) -> Pool:
        """From ``10.201.0.0/16``. Raises ValueError that says what would be right."""
        try:
            network = IPv4Network(whole)
        except ValueError as error:
            raise ValueError(
                f"address_pool: {whole!r} must be a network such as 10.201.0.0/16: {error}"
            ) from error
        if not max(_LARGEST, network.prefixlen) <= length <= _SMALLEST:
            least = max(_LARGEST, network.prefixlen)
            raise ValueError(f"network_prefix: {length} must be from {least} to {_SMALLEST}")
        return cls(network, length)

    @property
    def size(self) -> int:
        """How many subnets there are."""
        return 1 << (self.length - self.whole.prefixlen)

    def choose(self, first: int, taken: Iterable[IPv4Network]) -> IPv4Network | None:
        """The first free subnet from number ``first`` on, round about; None when there is none."""
        blocked: set[int] = set()
        for network in taken:
            if network.overlaps(self.whole):
                blocked.update(range(self._number(network[0]), self._number(network[-1]) + 1))
        numbers = ((first + step) % self.size for step in range(self.size))
        free = next((number for number in numbers if number not in blocked), None)
        return None if free is None else self._subnet(free)

    def _number(self, address: IPv4Address) -> int:
        """The subnet that an address is in; the first or last one when it is in none."""
        distance = int(address) - int(self.whole.network_address)
        return min(max(0, distance >> self._bits), self.size - 1)

    def _subnet(self, number: int) -> IPv4Network:
        start = int(self.whole.network_address) + (number << self._bits)
        return IPv4Network((start, self.length))

    @property
    def _bits(self) -> int:
        return 32 - self.length


def routed_here(table: Path = Path("/proc/net/route")) -> list[IPv4Network]:
    """What this machine has routes to, the default route aside. Format: proc_net(5)."""
    networks = []
    for line in table.read_text("ascii").splitlines()[1:]:
        _, destination, _, _, _, _, _, mask, *_ = line.split()
        if int(mask, 16):
            length = int(mask, 16).bit_count()
            address = IPv4Address(bytes.fromhex(destination)[::-1])
            networks.append(IPv4Network((int(address), length)))
    return networks
