"""Options of what is launched or changed: memory and cores by service, and the runtime limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any, TypeVar

import click

from zoe_client.cli._run import Read
from zoe_client.cli._words import number, read_duration, read_size
from zoe_core.amount import describe_memory
from zoe_core.names import shorten

F = TypeVar("F", bound=Callable[..., Any])
_OfService = tuple[str, float]


def _checked(read: Callable[[str], Any], such_as: str) -> Callable[[str], Any]:
    """The same function, which says what would be right when it raises an error."""

    def checked(text: str) -> Any:
        try:
            return read(text)
        except (ValueError, OverflowError):
            raise ValueError(f"is {shorten(text)!r}: must be {such_as}") from None

    return checked


def _of_service(read: Callable[[str], float]) -> Callable[[str], _OfService]:
    def both(text: str) -> _OfService:
        service, _, amount = text.partition("=")
        found = read(amount)
        if not (service and isfinite(found)):
            raise ValueError(text)
        return service, found

    return both


_MEMORY = Read("size", _checked(_of_service(read_size), "SERVICE=SIZE, such as spark-worker=4GB"))
_CORES = Read("number", _checked(_of_service(float), "SERVICE=NUMBER, such as spark-worker=2"))
_SECONDS = Read(
    "duration",
    _checked(lambda text: round(read_duration(text)), "a time such as 90m, 4h, 2d or 1h30m"),
)


def sizing_options(command: F) -> F:
    """Add ``--memory``, ``--cores`` and ``--runtime-limit``; ``sizing`` reads them together."""
    for option in (
        click.option(
            "--runtime-limit",
            type=_SECONDS,
            help="End it so long after its start: 90m, 4h, 2d or 1h30m.",
        ),
        click.option(
            "--cores",
            type=_CORES,
            metavar="SERVICE=NUMBER",
            multiple=True,
            help="Reserve so many cores for each instance of a service; may be repeated.",
        ),
        click.option(
            "--memory",
            type=_MEMORY,
            metavar="SERVICE=SIZE",
            multiple=True,
            help="Reserve so much memory for each instance of a service, such as "
            "spark-worker=4GB; may be repeated.",
        ),
    ):
        command = option(command)
    return command


def sizing(
    memory: Iterable[_OfService], cores: Iterable[_OfService], runtime_limit: int | None
) -> dict[str, Any]:
    """``resources`` and ``runtime_limit`` as the client takes them, as far as they are given.

    Raises click.UsageError when something is said twice.
    """
    resources: dict[str, dict[str, float]] = {}
    for what, given in (("memory", memory), ("cores", cores)):
        for service, amount in given:
            size = resources.setdefault(service, {})
            if what in size:
                raise click.UsageError(f"--{what} {service}: is given twice: keep one")
            size[what] = amount
    found: dict[str, Any] = {"resources": resources} if resources else {}
    return found if runtime_limit is None else {**found, "runtime_limit": runtime_limit}


def size_words(memory: float | None, cores: float | None) -> str:
    """``4 GB, 2 cores``, or one of them."""
    told = [] if memory is None else [describe_memory(int(memory))]
    if cores is not None:
        told.append(f"{number(cores)} core{'' if cores == 1 else 's'}")
    return ", ".join(told)
