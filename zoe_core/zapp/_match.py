"""Which parameter each name means that a person typed; a name that is none may be a variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from zoe_core.documents import Problem, path
from zoe_core.names import shorten
from zoe_core.zapp._parameter import Parameter
from zoe_core.zapp._variables import Scalar, check_scalar, variable_problem

_SLIP = 0.85
"""How alike a new variable and a parameter are when it is taken for a slip: 1 is equal."""


@dataclass(slots=True)
class Match:
    """``given`` has what was typed by the number of its parameter, ``keys`` those parameters' keys.

    ``variables`` are a notebook's, by names of which no parameter is.
    """

    given: dict[int, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    variables: dict[str, Scalar] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def match_values(parameters: Sequence[Parameter], values: Mapping[str, object]) -> Match:
    """Find the parameter that each key of ``values`` means."""
    numbers = {parameter.name: number for number, parameter in enumerate(parameters)}
    numbers |= {parameter.key: number for number, parameter in enumerate(parameters)}
    holder = next((each for each in parameters if each.holds_variables), None)
    match = Match()
    for key, value in values.items():
        number = numbers.get(key)
        if number is None:
            match.problems += _further(match, parameters, holder, str(key), value)
        elif number in match.given:
            message = f"is given twice, also as {match.given[number]!r}: keep one"
            match.problems.append(Problem(path("parameters", key), message))
        else:
            match.given[number] = key
            match.keys.add(parameters[number].key)
    return match


def _further(
    match: Match,
    parameters: Sequence[Parameter],
    holder: Parameter | None,
    name: str,
    value: object,
) -> Iterator[Problem]:
    """Take a variable of the notebook, or say why the name is none."""
    at = path("parameters", name)
    known = sorted({parameter.key for parameter in parameters})
    if holder is None:
        yield Problem(at, f"is not known: {_known(name, known)}")
    elif slip := get_close_matches(shorten(name), known, n=1, cutoff=_SLIP):
        yield Problem(
            at,
            f"is not known: did you mean {slip[0]!r}? A variable of the notebook that is called so "
            f"is given in {holder.key!r}",
        )
    elif message := variable_problem(name):
        yield Problem(at, message)
    else:
        try:
            match.variables[name] = check_scalar(value)
        except ValueError as error:
            yield Problem(at, str(error))


def _known(name: str, known: Sequence[str]) -> str:
    if not known:
        return "this ZApp has no parameters"
    listed = f"the known ones are {', '.join(known)}"
    close = get_close_matches(shorten(name), known, n=1)
    return f"did you mean {close[0]!r}? T{listed[1:]}" if close else listed
