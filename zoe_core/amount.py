"""An amount of what a node offers and an instance holds: memory, cores and GPUs.

Amounts are whole numbers (bytes, thousandths of a core, devices), so sums over thousands of
instances come out exact and equal amounts compare equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

MILLICORES_PER_CORE = 1000
_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True, slots=True)
class Amount:
    """Memory in bytes, cores in thousandths, GPUs in whole devices.

    A difference may be negative: it then says how much is missing.
    """

    memory: int = 0
    millicores: int = 0
    gpus: int = 0

    @classmethod
    def of(cls, memory: int, cores: float, gpus: int = 0) -> Self:
        """Make an amount from ``memory`` in bytes and ``cores`` in cores, such as ``0.5``."""
        return cls(memory, round(cores * MILLICORES_PER_CORE), gpus)

    @property
    def cores(self) -> float:
        """The cores as people write them: ``1.5`` for 1500 millicores."""
        return self.millicores / MILLICORES_PER_CORE

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.memory + other.memory, self.millicores + other.millicores, self.gpus + other.gpus
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            self.memory - other.memory, self.millicores - other.millicores, self.gpus - other.gpus
        )

    def __mul__(self, count: int) -> Amount:
        return Amount(self.memory * count, self.millicores * count, self.gpus * count)

    __rmul__ = __mul__

    def fits_in(self, other: Amount) -> bool:
        """Say whether ``other`` has at least this much of everything."""
        return (
            self.memory <= other.memory
            and self.millicores <= other.millicores
            and self.gpus <= other.gpus
        )

    def describe(self) -> str:
        """Say the amount in words: ``4 GB, 2 cores``, with ``, 1 GPU`` only when there is one."""
        parts = [describe_memory(self.memory), _count(self.cores, "core")]
        if self.gpus:
            parts.append(_count(self.gpus, "GPU"))
        return ", ".join(parts)


def describe_memory(size: int) -> str:
    """Say ``size`` bytes in words: ``512 MB``, ``1.5 GB``.

    One GB is 2**30 bytes here, as memory is sold and as ``docker run --memory 1g`` counts it.
    """
    amount, sign = abs(size), "-" if size < 0 else ""
    power = min(max(amount.bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    shown = _number(amount / 1024**power)
    if shown == "1024" and power < len(_UNITS) - 1:  # 1023.99 MB is 1 GB to a reader
        shown, power = "1", power + 1
    unit = "byte" if power == 0 and amount == 1 else _UNITS[power]
    return f"{sign}{shown} {unit}"


def _count(value: float, noun: str) -> str:
    return f"{_thousandths(value)} {noun}" if value == 1 else f"{_thousandths(value)} {noun}s"


def _number(value: float) -> str:
    """One decimal place, and none when it is zero."""
    return f"{value:.1f}".removesuffix(".0")


def _thousandths(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
