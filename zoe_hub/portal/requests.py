"""Reading path, query, headers and body into models, and saying what is wrong in people's words."""

from __future__ import annotations

import re
import typing
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from tornado.web import RequestHandler

from zoe_core.documents import JsonProblemError, Problem, read_json, show
from zoe_core.documents import path as join_path
from zoe_core.names import shorten
from zoe_hub.refusal import UNPROCESSABLE, Refused

T = TypeVar("T", bound=BaseModel)

_ID = re.compile("[0-9]{1,18}")
_NOT_OURS = frozenset({"_xsrf", "token"})
"""Arguments of the query that belong to JupyterHub's authentication."""


def read_path(model: type[T], handler: RequestHandler) -> T:
    """The variables of the path; a wrong one means that there is nothing at that address."""
    try:
        return model.model_validate(handler.path_kwargs)
    except ValidationError as error:
        first = _problems(error, model)[0]
        raise Refused(404, "Not found", str(first), field=first.field) from None


def read_query(model: type[T], handler: RequestHandler) -> T:
    """The arguments of the query; each at most once, unless the model has a list there."""
    given: dict[str, Any] = {}
    for name in handler.request.query_arguments:
        if name in _NOT_OURS:
            continue
        values = handler.get_query_arguments(name)
        given[name] = values if len(values) > 1 or _is_list(model, name) else values[0]
    return check(model, given, 400)


def id_in_query(handler: RequestHandler, name: str) -> int | None:
    """The execution that an argument of the query names; None when it names none."""
    text = handler.get_query_argument(name, "")
    return int(text) if _ID.fullmatch(text) else None


def read_headers(model: type[T], handler: RequestHandler) -> T:
    """The headers that the model names by their aliases; others are not looked at."""
    names = [each.alias or name for name, each in model.model_fields.items()]
    given = {
        name: handler.request.headers[name] for name in names if name in handler.request.headers
    }
    return check(model, given, 400)


def read_form(model: type[T], handler: RequestHandler) -> T:
    """The fields of a form that the model names; others are not looked at."""
    names = model.model_fields.keys() & handler.request.body_arguments.keys()
    given = {name: handler.get_body_argument(name) for name in names}
    return check(model, given, 400)


def read_body(model: type[T], handler: RequestHandler) -> T:
    """The JSON body: 415 when it says it is something else, 400 when it is no JSON object."""
    media = handler.request.headers.get("Content-Type", "application/json")
    if media.partition(";")[0].strip().lower() != "application/json":
        raise Refused(
            415,
            "Not JSON",
            f"The body is {shorten(media)!r}: send it with 'Content-Type: application/json'.",
            field="Content-Type",
        )
    try:
        document = read_json(handler.request.body)
    except JsonProblemError as error:
        raise Refused(400, "The body is not JSON", f"The body {error}.") from None
    if not isinstance(document, dict):
        raise Refused(
            400,
            "The body is not an object",
            f"The body is {show(document)}: send an object, {{…}}.",
        )
    return check(model, document, UNPROCESSABLE)


def check(model: type[T], given: dict[str, Any], status: int) -> T:
    """What was given, as the model has it; raises Refused with ``status``."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refused.because(
            "The request is not right", _problems(error, model), status=status
        ) from None


def _is_list(model: type[BaseModel], name: str) -> bool:
    known = model.model_fields.get(name)
    return known is not None and typing.get_origin(known.annotation) in (list, tuple)


def _problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    found: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        # A value of several possible types gives one error for each: the first is enough.
        steps = _without_types(detail["loc"], detail)
        problem = Problem(join_path(*steps), _message(detail, model))
        found.setdefault(problem.field, problem)
    return list(found.values())


def _without_types(steps: tuple[int | str, ...], detail: ErrorDetails) -> tuple[int | str, ...]:
    """Leave out the steps with which pydantic names the members of a union."""
    members = {"str", "int", "float", "bool"}
    return steps[:-1] if len(steps) > 1 and steps[-1] in members else steps


def _message(detail: ErrorDetails, model: type[BaseModel]) -> str:
    match detail["type"]:
        case "missing":
            return "is missing: it is required"
        case "extra_forbidden":
            known = ", ".join(each.alias or name for name, each in model.model_fields.items())
            return f"is not known here: the fields are {known}" if known else "is not known here"
        case "zoe":  # our own words
            return detail["msg"]
        case "value_error":
            return str(detail["ctx"]["error"])
    expected = detail["msg"].replace("Input should be", "must be")
    return f"is {show(detail['input'])}: {expected[0].lower()}{expected[1:]}"
