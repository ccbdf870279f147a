"""Reads what people write for a launch: ``-p`` parameters, and descriptions of their own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from zoe_core.protocol.rest import ExecutionRequest, Parameter

Value = str | int | float | bool | None


def is_file(zapp: str) -> bool:
    """Whether this names a description in a file, not a ZApp of the gallery: slugs have no dots."""
    return zapp == "-" or zapp.endswith(".json") or os.sep in zapp


def read_description(file: str) -> dict[str, Any]:
    """The JSON object in a file, or in standard input for ``-``. Raises click.UsageError."""
    from zoe_core.documents import JsonProblemError, read_json

    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        found = read_json(raw)
    except OSError as error:
        raise click.UsageError(f"FILE: is {file!r}: cannot be read: {error.strerror}") from None
    except JsonProblemError as error:
        raise click.UsageError(f"FILE: {file} {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError(f"FILE: {file} is no JSON object: must be the description of a ZApp")
    return found


def request(zapp: str, name: str | None, **wished: Any) -> ExecutionRequest:
    """The launch of a ZApp of the gallery. Raises click.UsageError for what none can have."""
    from pydantic import ValidationError

    from zoe_core.protocol.rest import ExecutionRequest

    try:
        return ExecutionRequest(zapp=zapp, name=name, **wished)
    except ValidationError as error:
        told = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise click.UsageError("; ".join(told)) from None


def split_parameters(given: Iterable[str]) -> dict[str, str]:
    """Names and values of ``name=value``; a name may be given once. Raises click.UsageError."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise click.UsageError(f"-p: is {text!r}: must be NAME=VALUE, such as workers=4")
        if name in found:
            raise click.UsageError(f"-p {name}: is given twice: keep one")
        found[name] = value
    return found


def typed(given: Mapping[str, str], parameters: Iterable[Parameter]) -> dict[str, Value]:
    """The values as the ZApp's parameters want them.

    Numbers and truths where it says so; also for the variables of a notebook, which say nothing of
    their types. What does not look like it goes as it is: Zoe says what is wrong with it. Raises
    click.UsageError for a number that is too large to be one.
    """
    known = {name: each for each in parameters for name in (each.name, each.alias) if name}
    for_notebooks = any(each.kind == "notebook" for each in known.values())
    return {
        name: _scalar(name, text) if _is_typed(known.get(name), for_notebooks) else text
        for name, text in given.items()
    }


def _is_typed(parameter: Parameter | None, for_notebooks: bool) -> bool:
    return for_notebooks if parameter is None else parameter.type != "string"


def _scalar(name: str, text: str) -> Value:
    try:
        value = json.loads(text, parse_constant=_no_number)
    except ValueError:
        return text
    if isinstance(value, float) and isinf(value):
        raise click.UsageError(f"-p {name}: is {text!r}: must be a number below 1e308")
    return text if isinstance(value, dict | list) else value


def _no_number(name: str) -> None:
    """JSON has no NaN and no Infinity."""
    raise ValueError(name)
