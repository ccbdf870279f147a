"""Reading JSON strictly: what two readers could understand differently is refused.

The standard library accepts ``NaN``, keeps the last of several equal keys and gives up on very long
numbers and deep nesting with errors of its own; here each is one clear :class:`Problem`.
"""

from __future__ import annotations

import json
from typing import NoReturn

from zoe_core.documents.problems import Problem
from zoe_core.names import shorten

MAX_DOCUMENT = 1_048_576  # characters; the largest real description has about ten thousand
_MAX_DIGITS = 40


class JsonProblemError(ValueError):
    """The text is not one JSON document; ``problem`` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.problem = Problem("", message)


def read_json(text: str | bytes) -> object:
    """Read one JSON document from text, or from bytes of UTF-8.

    Raises :class:`JsonProblemError`.
    """
    if isinstance(text, bytes):
        text = _decode(text)
    if len(text) > MAX_DOCUMENT:
        raise JsonProblemError(
            f"has {len(text)} characters: a document may have at most {MAX_DOCUMENT}"
        )
    try:
        document: object = json.loads(
            text.removeprefix("\ufeff"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_int=_read_whole,
        )
    except json.JSONDecodeError as error:
        raise JsonProblemError(
            f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise JsonProblemError("is nested too deep: a document has at most ten levels") from None
    return document


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonProblemError(
            f"is not UTF-8 text: byte {error.start + 1} cannot be read; save the file as UTF-8"
        ) from None


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise JsonProblemError(f"has the field {shorten(key)!r} twice in one object: keep one")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise JsonProblemError(f"contains {name}: JSON has no such number; write a number or null")


def _read_whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise JsonProblemError(
            f"contains a number of {len(digits)} digits, {digits[:12]}…: "
            f"at most {_MAX_DIGITS} are read"
        )
    return int(digits)
