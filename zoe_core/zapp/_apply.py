"""Putting the values that a person chose into a description."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from zoe_core.documents import Problem, path, show
from zoe_core.zapp import _placeholders as placeholders
from zoe_core.zapp._fields import MAX_TEXT
from zoe_core.zapp._match import Match, match_values
from zoe_core.zapp._model import Result, Service, ZApp
from zoe_core.zapp._parameter import Parameter, Value, as_text, read_default, read_value
from zoe_core.zapp._parse import check_zapp
from zoe_core.zapp._problems import ZAppError
from zoe_core.zapp._results import fill_in

NOTEBOOK_VARIABLE = "ZOE_NOTEBOOK_PARAMETERS"


def apply_parameters(
    zapp: ZApp,
    parameters: Sequence[Parameter],
    values: Mapping[str, object],
    results: Sequence[Result] = (),
) -> ZApp:
    """Return ``zapp`` with ``values`` (by alias or name) and the defaults of the others applied.

    - ``environment``: every service that has the variable gets the value, as in the original; when
      none has it, every service does.
    - ``command``: replaces the command of the named service.
    - ``service_count``: sets the total of the named service; the essential count is clamped to it.
    - ``notebook``: every service gets all of them as one JSON object, ``ZOE_NOTEBOOK_PARAMETERS``.
      Where one of them holds variables, names that no parameter has are variables as well.

    ``results`` are those of the manifest. Values for the environment stay literal: placeholders in
    them are not expanded. Raises :class:`ZAppError` when a value is wrong or unknown, or when the
    result is no valid ZApp.
    """
    match = match_values(parameters, values)
    chosen = _choose(parameters, values, match)
    for parameter, value in chosen:
        if parameter.kind != "notebook":
            zapp = _apply(zapp, parameter, value)
    if any(parameter.kind == "notebook" for parameter, _ in chosen) or match.variables:
        variables = _notebook_variables(chosen, match)
        zapp = _set_variable(zapp, NOTEBOOK_VARIABLE, json.dumps(variables, sort_keys=True))
    texts = {parameter.key: as_text(value) for parameter, value in chosen}
    return check_zapp(fill_in(zapp, results, texts))


def _choose(
    parameters: Sequence[Parameter], values: Mapping[str, object], match: Match
) -> list[tuple[Parameter, Value]]:
    """Return each parameter that has a value or a default, with it."""
    problems = list(match.problems)
    chosen: list[tuple[Parameter, Value]] = []
    for number, parameter in enumerate(parameters):
        key = match.given.get(number)
        try:
            value = read_default(parameter) if key is None else read_value(parameter, values[key])
        except ValueError as error:
            problems.append(Problem(path("parameters", key or parameter.key), str(error)))
        else:
            chosen += [] if value is None else [(parameter, value)]
    if problems:
        raise ZAppError(problems)
    return chosen


def _notebook_variables(
    chosen: Sequence[tuple[Parameter, Value]], match: Match
) -> dict[str, object]:
    """Put together what a notebook is given. Raises ZAppError when a variable is given twice."""
    variables: dict[str, object] = {}
    givers: dict[str, str] = {}
    problems: list[Problem] = []
    for parameter, value in chosen:
        if parameter.kind == "notebook":
            own = json.loads(str(value)) if parameter.holds_variables else {parameter.name: value}
            problems += _given_twice(parameter.key, own, givers)
            variables |= own
            by_hand = parameter.key in match.keys
            givers |= {name: parameter.key for name in own if by_hand}
    for name in match.variables:
        problems += _given_twice(name, (name,), givers)
    if problems:
        raise ZAppError(problems)
    return variables | match.variables


def _given_twice(key: str, names: Iterable[str], givers: Mapping[str, str]) -> Iterator[Problem]:
    for name in names:
        if name in givers:
            yield Problem(
                path("parameters", key),
                f"gives {show(name)} a value, and so does {show(givers[name])}: keep one",
            )


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
