"""Saying pydantic's errors in the words of this package."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from zoe_core.documents import Problem, Steps, path, show

MAX_PROBLEMS = 50  # nobody reads more at once


_FIXED = {
    "missing": "is missing: it is required",
    "too_short": "is an empty list: must have at least one entry",
    "invalid_key": "is the name of a field: must be text",
}
_EXPECTED = {
    "model_type": "must be an object, {…}",
    "tuple_type": "must be a list, […]",
    "string_unicode": "must not contain broken Unicode characters",
}


def explain(error: ValidationError, unknown: Callable[[Steps], str]) -> list[Problem]:
    """Return the problems of a document; ``unknown`` says what an unknown field's message is."""
    details = [detail for detail in error.errors(include_url=False) if not _is_echo(detail)]
    return [_problem(detail, unknown) for detail in details[:MAX_PROBLEMS]]


def _problem(detail: ErrorDetails, unknown: Callable[[Steps], str]) -> Problem:
    steps = detail["loc"]
    return Problem(path(*steps), _message(detail, steps, unknown))


def _is_echo(detail: ErrorDetails) -> bool:
    """Pydantic calls a list too short when all its entries are wrong, which it has said already."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _message(detail: ErrorDetails, steps: Steps, unknown: Callable[[Steps], str]) -> str:
    kind, value = detail["type"], cast("object", detail["input"])
    if kind == "zoe":
        return detail["msg"]
    if kind == "extra_forbidden":
        return unknown(steps)
    if kind == "too_long":
        return f"is {show(value)}: must have at most {detail['ctx']['max_length']} entries"
    if kind in _FIXED:
        return _FIXED[kind]
    return f"is {show(value)}: {_EXPECTED.get(kind, 'is not valid here')}"
