"""What the commands of ``zoe-admin`` share: the way to the portal, consent, extras, numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

import click

from zoe_client.cli._run import USAGE, Failure

NAME = "zoe-admin"
EVERYBODY = "*"
"""The user whose executions, or usage, are everybody's, for REST."""

PICTURES = (".png", ".html")
"""What plots are written as: a picture, or a page that needs no other file."""


class BadOption(Failure):
    """What was given cannot be used; the message names the option, the value and what would do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, USAGE)


def agree(question: str, yes: bool) -> None:
    """Go on only if a person says yes, or has said so before, with ``--yes``."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadOption(f"{question} Nobody can be asked here: give --yes")
    if not click.confirm(question, err=True):
        raise Failure("nothing was done")


@contextmanager
def needing(extra: str, *packages: str) -> Iterator[None]:
    """Say which extra brings a package that is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in packages:
            raise
        raise Failure(
            f"the package {error.name} is missing; it comes with an extra: "
            f"pip install 'zoe[{extra}]'"
        ) from None


class Whole(click.ParamType):
    """A whole number from ``least`` to ``most``."""

    name = "integer"

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number, or a complaint that says what would be right."""
        try:
            found = int(value)
        except ValueError:
            found = self.least - 1
        if not self.least <= found <= self.most:
            self.fail(
                f"is {value!r}: must be a whole number, {self.least} to {self.most}", param, ctx
            )
        return found


class Number(click.ParamType):
    """A finite number from ``least`` to ``most``."""

    name = "number"

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number, or a complaint that says what would be right."""
        try:
            found = float(value)
        except ValueError:
            found = float("nan")
        if not (isfinite(found) and self.least <= found <= self.most):
            allowed = f"{self.least:.15g} to {self.most:.15g}"
            self.fail(f"is {value!r}: must be a number, {allowed}", param, ctx)
        return found


class Picture(click.ParamType):
    """A file to draw into."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Its path, or a complaint that says what would be right."""
        path = Path(value)
        if path.suffix.lower() not in PICTURES:
            self.fail(f"is {str(value)!r}: must end in {' or '.join(PICTURES)}", param, ctx)
        return path
