"""From a document to a checked :class:`ZApp`, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from zoe_core.documents import JsonProblemError, Problem, Steps, read_json, show
from zoe_core.zapp._check import find_problems, find_warnings
from zoe_core.zapp._explain import MAX_PROBLEMS, explain
from zoe_core.zapp._fields import as_whole
from zoe_core.zapp._model import ZApp
from zoe_core.zapp._problems import ZAppError
from zoe_core.zapp._versions import (
    check_version,
    find_model,
    from_version_3,
    is_object,
    unknown_field,
)


@dataclass(frozen=True, slots=True)
class ParsedZApp:
    """A description that may be launched, and what in its document was ignored."""

    zapp: ZApp
    warnings: tuple[Problem, ...] = ()


def parse_zapp_json(text: str | bytes) -> ParsedZApp:
    """Read a description from JSON text, or from its UTF-8 bytes.

    Raises :class:`ZAppError` with every problem that was found.
    """
    try:
        document = read_json(text)
    except JsonProblemError as error:
        raise ZAppError([error.problem]) from None
    return parse_zapp(document)


def parse_zapp(document: object) -> ParsedZApp:
    """Check a description that was read from JSON; version 3 and version 4 are understood.

    Fields that version 3 does not know come back as warnings. Raises :class:`ZAppError` with every
    problem that was found.
    """
    if not is_object(document):
        raise ZAppError([Problem("", f"is {show(document)}: must be an object, {{…}}")])
    if problem := check_version(document):
        raise ZAppError([problem])
    warnings: list[Problem] = []
    reduced: object = document
    if as_whole(document["version"]) == 3:
        reduced, warnings = from_version_3(document)
    zapp = _validate(reduced)
    return ParsedZApp(zapp, tuple([*warnings, *find_warnings(zapp)][:MAX_PROBLEMS]))


def check_zapp(zapp: ZApp) -> ZApp:
    """Return ``zapp`` when all its fields agree with each other; raises :class:`ZAppError`."""
    if problems := find_problems(zapp):
        raise ZAppError(problems[:MAX_PROBLEMS])
    return zapp


def zapp_document(zapp: ZApp) -> dict[str, Any]:
    """Return the shortest document that :func:`parse_zapp` reads as an equal ``zapp``."""
    document = zapp.model_dump(mode="json", exclude_defaults=True)
    if zapp.version == 3:  # what the model derived, such as a port's kind, is derived again
        reduced, _ = from_version_3(document)
        return cast("dict[str, Any]", reduced)
    return document


def zapp_json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of version 4; version 3 is a subset of it.

    A field with ``since: 4`` is ignored in version 3 documents.
    """
    return ZApp.model_json_schema()


def _validate(document: object) -> ZApp:
    try:
        zapp = ZApp.model_validate(document)
    except ValidationError as error:
        raise ZAppError(explain(error, _unknown)) from None
    return check_zapp(zapp)


def _unknown(steps: Steps) -> str:
    return unknown_field(str(steps[-1]), find_model(steps[:-1]))
