"""Putting the values that a person chose into a description."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from zoe_core.documents import Problem, path
from zoe_core.zapp import _placeholders as placeholders
from zoe_core.zapp._fields import MAX_TEXT
from zoe_core.zapp._model import Service, ZApp
from zoe_core.zapp._parameter import Parameter, Value, as_text, read_default, read_value
from zoe_core.zapp._parse import check_zapp
from zoe_core.zapp._problems import ZAppError

NOTEBOOK_VARIABLE = "ZOE_NOTEBOOK_PARAMETERS"


def apply_parameters(
    zapp: ZApp, parameters: Sequence[Parameter], values: Mapping[str, object]
) -> ZApp:
    """Return ``zapp`` with ``values`` (by alias or name) and the defaults of the others applied.

    - ``environment``: every service that has the variable gets the value, as in the original; when
      none has it, every service does.
    - ``command``: replaces the command of the named service.
    - ``service_count``: sets the total of the named service; the essential count is clamped to it.
    - ``notebook``: every service gets all of them as one JSON object, ``ZOE_NOTEBOOK_PARAMETERS``.

    Values for the environment stay literal: placeholders in them are not expanded. Raises
    :class:`ZAppError` when a value is wrong or unknown, or when the result is no valid ZApp.
    """
    chosen = _choose(parameters, values)
    notebook: dict[str, Value] = {}
    for parameter, value in chosen:
        if parameter.kind == "notebook":
            notebook[parameter.name] = value
        else:
            zapp = _apply(zapp, parameter, value)
    if notebook:
        zapp = _set_variable(zapp, NOTEBOOK_VARIABLE, json.dumps(notebook, sort_keys=True))
    return check_zapp(zapp)


def _choose(
    parameters: Sequence[Parameter], values: Mapping[str, object]
) -> list[tuple[Parameter, Value]]:
    """Return each parameter that has a value or a default, with it."""
    given, problems = _match(parameters, values)
    chosen: list[tuple[Parameter, Value]] = []
    for number, parameter in enumerate(parameters):
        key = given.get(number)
        try:
            value = read_default(parameter) if key is None else read_value(parameter, values[key])
        except ValueError as error:
            problems.append(Problem(path("parameters", key or parameter.key), str(error)))
        else:
            chosen += [] if value is None else [(parameter, value)]
    if problems:
        raise ZAppError(problems)
    return chosen


def _match(
    parameters: Sequence[Parameter], values: Mapping[str, object]
) -> tuple[dict[int, str], list[Problem]]:
    """Find the parameter, by its number, that each key of ``values`` means."""
    numbers = {parameter.name: number for number, parameter in enumerate(parameters)}
    numbers |= {parameter.key: number for number, parameter in enumerate(parameters)}
    known = ", ".join(sorted({parameter.key for parameter in parameters}))
    given: dict[int, str] = {}
    problems = []
    for key in values:
        number = numbers.get(key)
        if number is None:
            message = f"the known ones are {known}" if known else "this ZApp has no parameters"
            problems.append(Problem(path("parameters", str(key)), f"is not known: {message}"))
        elif number in given:
            message = f"is given twice, also as {given[number]!r}: keep one"
            problems.append(Problem(path("parameters", key), message))
        else:
            given[number] = key
    return given, problems


def _apply(zapp: ZApp, parameter: Parameter, value: Value) -> ZApp:
    if parameter.kind == "environment":
        return _set_variable(zapp, parameter.name, as_text(value))
    if all(service.name != parameter.name for service in zapp.services):
        message = f"is meant for the service {parameter.name!r}, which this ZApp does not have"
        raise ZAppError([Problem(path("parameters", parameter.key), message)])
    return _update(zapp, parameter.name, _change(zapp.service(parameter.name), parameter, value))


def _change(service: Service, parameter: Parameter, value: Value) -> dict[str, object]:
    if parameter.kind == "command":
        return {"command": str(value)}
    count = int(value)
    return {"total_count": count, "essential_count": min(service.essential_count, count)}


def _update(zapp: ZApp, name: str, change: dict[str, object]) -> ZApp:
    services = tuple(
        service.model_copy(update=change) if service.name == name else service
        for service in zapp.services
    )
    return zapp.model_copy(update={"services": services})


def _set_variable(zapp: ZApp, name: str, value: str) -> ZApp:
    having = [service for service in zapp.services if name in dict(service.environment)]
    literal = placeholders.escape(value)
    if len(literal) > MAX_TEXT:
        message = f"{name} would have {len(literal)} characters: must have at most {MAX_TEXT}"
        raise ZAppError([Problem("parameters", message)])
    for service in having or zapp.services:
        others = tuple(pair for pair in service.environment if pair[0] != name)
        zapp = _update(zapp, service.name, {"environment": (*others, (name, literal))})
    return zapp
