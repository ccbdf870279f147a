"""The variables of a notebook that a person sets: lines ``month = 5``, or one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

from zoe_core.documents import JsonProblemError, read_json, show
from zoe_core.zapp import _fields as fields

Scalar = str | int | float | bool | None

_FORMS = 'lines such as month = 5, or a JSON object such as {"month": 5}'


def read_variables(value: object) -> dict[str, Any]:
    """Read the variables of a text of lines or of a JSON object, or of an object itself.

    A value is read as JSON, and taken for text when it is none: ``name = May``. Raises ValueError,
    with a sentence for the person who wrote it.
    """
    if isinstance(value, str):
        value = _read_object(value) if value.lstrip().startswith("{") else _read_lines(value)
    if not isinstance(value, Mapping):
        raise ValueError(f"is {show(value)}: must be {_FORMS}")
    for name in value:
        if message := variable_problem(name):
            raise ValueError(message)
    _check_writable(value)
    return dict(value)


def write_lines(variables: Mapping[str, Any]) -> str:
    """Write variables as lines that :func:`read_variables` reads alike."""
    return "\n".join(f"{name} = {json.dumps(value)}" for name, value in variables.items())


def check_scalar(value: object) -> Scalar:
    """Return ``value`` when it is text, a number, true, false or null. Raises ValueError."""
    if value is not None and not isinstance(value, str | int | float):
        raise ValueError(f"is {show(value)}: must be text, a number, true, false or null")
    _check_writable(value)
    return value


def variable_problem(name: object) -> str | None:
    """Say why a notebook can have no variable called so, or None."""
    if isinstance(name, str) and name.isidentifier() and not iskeyword(name):
        return None
    return (
        f"names the variable {show(name)}: a name must be letters, digits and _, beginning with a "
        "letter, and no word of Python's own"
    )


def _read_object(text: str) -> object:
    try:
        return read_json(text)
    except JsonProblemError as error:
        raise ValueError(f"{error.problem.message}. It must be {_FORMS}") from None


def _read_lines(text: str) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            raise ValueError(f"has the line {show(line)}: must be {_FORMS}")
        if name in variables:
            raise ValueError(f"names {show(name)} twice: keep one")
        variables[name] = _read_value(value)
    return variables


def _read_value(text: str) -> object:
    try:
        return read_json(text)
    except JsonProblemError:
        return text


def _check_writable(value: object) -> None:
    """Raise ValueError for what JSON, or the environment of a process, cannot hold."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError):
        raise ValueError(f"is {show(value)}: must be something that JSON can say") from None
    if len(text) > fields.MAX_TEXT:
        raise ValueError(f"has {len(text)} characters: must have at most {fields.MAX_TEXT}")
    if not fields.storable(text):
        raise ValueError("must not contain broken Unicode characters")
