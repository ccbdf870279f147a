"""One parameter of a ZApp of the gallery, and the values that people give it.

Values come from forms and command lines too, so ``"4"`` is as good as ``4``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from zoe_core.documents import Problem, Steps, path, show
from zoe_core.zapp import _fields as fields
from zoe_core.zapp._check import split_command
from zoe_core.zapp._variables import read_variables, variable_problem

Kind = Literal["environment", "command", "service_count", "notebook"]
Type = Literal["string", "int", "float", "bool", "object"]
Number = int | float
Value = str | int | float | bool
_N = TypeVar("_N", int, float)

_LARGEST = 10**18
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_TRUTHS = {"true": True, "false": False}
_TYPES = {
    "string": "string",
    "text": "string",
    "int": "int",
    "integer": "int",
    "float": "float",
    "number": "float",
    "bool": "bool",
    "boolean": "bool",
    "object": "object",
}


def _check_type(value: object) -> str:
    known = _TYPES.get(value) if isinstance(value, str) else None
    if known is None:
        expected = (
            'must be "string", "int", "float" or "bool"; for the kind "notebook" also "object"'
        )
        raise fields.wrong(value, expected)
    return known


def _check_number(value: object) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fields.wrong(value, "must be a number")
    if not -_LARGEST <= value <= _LARGEST:
        raise fields.wrong(value, f"must be a number, at most {_LARGEST}")
    return value


def _check_default(value: object) -> object:
    if value is not None and not isinstance(value, str | int | float):
        raise fields.wrong(value, "must be a text, a number, true, false or null")
    return value


_Bound = Annotated[Number, BeforeValidator(_check_number)]
_Alias = Annotated[
    str,
    BeforeValidator(
        fields.text(
            64,
            least=1,
            pattern="[a-z][a-z0-9_-]*",
            expected="lower-case letters, digits, _ and -, beginning with a letter",
        )
    ),
]
_Ending = Annotated[
    str,
    BeforeValidator(
        fields.text(
            16, least=2, pattern=r"\.[a-z0-9]+", expected="how the names of files end, such as .py"
        )
    ),
]
_Kind = Annotated[
    Kind,
    BeforeValidator(fields.one_of("environment", "command", "service_count", "notebook")),
]


class Parameter(BaseModel):
    """One thing that a person may set before a launch.

    ``name`` is the target: a variable for ``environment``, a service for ``command`` and
    ``service_count``, a notebook's variable for ``notebook``. One of the kind ``notebook`` and the
    type ``object`` holds several variables; beside it a person may give more of them by their own
    names. A ``default`` of None leaves the description as it is. ``file``, such as ``.py``: the
    value may be the path of a file of the workspace whose name ends so.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: _Kind
    name: fields.Label
    alias: _Alias | None = None
    readable_name: fields.Description = ""
    description: fields.Description = ""
    type: Annotated[Type, BeforeValidator(_check_type)] = "string"
    default: Annotated[Any, BeforeValidator(_check_default)] = None
    min: _Bound | None = None
    max: _Bound | None = None
    step: _Bound | None = None
    file: _Ending | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, document: object) -> object:
        if not isinstance(document, dict):
            return document
        filled = {"readable_name": document.get("name"), **document}
        if document.get("kind") == "service_count":
            filled.setdefault("type", "int")
        return filled

    @property
    def key(self) -> str:
        """What people type to set it."""
        return self.alias or self.name

    @property
    def holds_variables(self) -> bool:
        """Whether its value is any number of a notebook's variables."""
        return self.type == "object"


def read_value(parameter: Parameter, value: object) -> Value:
    """Return ``value`` in the type of ``parameter``, within its range; an object as JSON text.

    Raises ValueError, with the value and what would be right.
    """
    typed = _convert(parameter, value)
    if isinstance(typed, int | float) and not isinstance(typed, bool):
        _check_range(parameter, typed)
    if parameter.kind == "command":
        split_command(str(typed))
    return typed


def read_default(parameter: Parameter) -> Value | None:
    """Return the default in the type of ``parameter``; it need not be a whole number of steps."""
    return None if parameter.default is None else read_value(parameter, parameter.default)


def as_text(value: Value) -> str:
    """Write a value as an environment variable holds it: ``true``, ``4``, ``0.5``, the text."""
    return value if isinstance(value, str) else json.dumps(value)


def check_parameter(parameter: Parameter, at: Steps) -> Iterator[Problem]:
    """Yield what is wrong with a parameter whose single fields are right."""
    if message := _check_name(parameter):
        yield Problem(path(*at, "name"), f"is {show(parameter.name)}: {message}")
    if expected := _check_type_of_kind(parameter):
        yield Problem(
            path(*at, "type"),
            f"is {show(parameter.type)}: must be {expected} for the kind {parameter.kind!r}",
        )
        return
    if parameter.min is not None and parameter.max is not None and parameter.min > parameter.max:
        yield Problem(path(*at, "min"), f"is {parameter.min}: must be at most max, {parameter.max}")
        return
    if parameter.step is not None and parameter.step <= 0:
        yield Problem(path(*at, "step"), f"is {parameter.step}: must be more than 0")
        return
    if parameter.file is not None and parameter.type != "string":
        message = "must be left out unless the type is 'string'"
        yield Problem(path(*at, "file"), f"is {show(parameter.file)}: {message}")
        return
    try:
        read_default(parameter)
    except ValueError as error:
        yield Problem(path(*at, "default"), str(error))


def _check_type_of_kind(parameter: Parameter) -> str | None:
    """Say which type a parameter must have, unless it has that."""
    required = {"service_count": "int", "command": "string"}.get(parameter.kind)
    if required is not None:
        return None if parameter.type == required else repr(required)
    if parameter.kind == "environment" and parameter.holds_variables:
        return "'string', 'int', 'float' or 'bool'"
    return None


def _check_name(parameter: Parameter) -> str | None:
    if parameter.kind == "environment" and not re.fullmatch(
        fields.ENVIRONMENT_NAME, parameter.name
    ):
        return "must be the name of an environment variable, such as SPARK_MASTER"
    if parameter.kind == "notebook" and variable_problem(parameter.name):
        return "must be the name of a variable of the notebook"
    return None


def _convert(parameter: Parameter, value: object) -> Value:
    match parameter.type:
        case "string":
            return _to_text(value)
        case "bool":
            return _to_truth(value)
        case "int":
            return _to_whole(value)
        case "float":
            return _to_number(value)
        case "object":
            return json.dumps(read_variables(value), sort_keys=True)


def _to_text(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(value, "must be text")
    if len(value) > fields.MAX_TEXT:
        raise ValueError(f"has {len(value)} characters: must have at most {fields.MAX_TEXT}")
    if not fields.storable(value):
        raise _wrong(value, "must not contain NUL or broken Unicode characters")
    return value


def _to_truth(value: object) -> bool:
    if isinstance(value, str):
        value = _TRUTHS.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise _wrong(value, "must be true or false")
    return value


def _to_whole(value: object) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return _bounded(value, int(value))
    number = fields.as_whole(value)
    if number is None:
        raise _wrong(value, "must be a whole number")
    return _bounded(value, number)


def _to_number(value: object) -> float:
    number = value
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            raise _wrong(value, "must be a number") from None
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _wrong(value, "must be a number")
    return float(_bounded(value, number))


def _bounded(value: object, number: _N) -> _N:
    if not -_LARGEST <= number <= _LARGEST:  # refuses NaN too
        raise _wrong(value, f"must be a number between {-_LARGEST} and {_LARGEST}")
    return number


def _check_range(parameter: Parameter, number: Number) -> None:
    least, most = parameter.min, parameter.max
    if parameter.kind == "service_count":
        least, most = least or 1, most or fields.MAX_COUNT
    if (least is not None and number < least) or (most is not None and number > most):
        raise _wrong(number, f"must be {_range(least, most)}")
    if parameter.step and number != parameter.default:
        steps = (number - (least or 0)) / parameter.step
        if not math.isclose(steps, round(steps), abs_tol=1e-6):
            raise _wrong(number, f"must be {_range(least, most)}in steps of {parameter.step}")


def _range(least: Number | None, most: Number | None) -> str:
    if least is not None and most is not None:
        return f"{least} to {most} "
    if least is not None:
        return f"{least} or more "
    return f"at most {most} " if most is not None else ""


def _wrong(value: object, expected: str) -> ValueError:
    return ValueError(f"is {show(value)}: {expected.rstrip()}")
