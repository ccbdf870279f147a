"""The launch form: a field for each parameter of a ZApp, and what a browser sent back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from zoe_core.names import MAX_EXECUTION_NAME
from zoe_core.zapp import Parameter, Problem, read_variables, write_lines

Control = Literal["number", "text", "checkbox", "lines", "slider"]
PREFIX = "parameter."
_CONTROLS: dict[str, Control] = {
    "int": "number",
    "float": "number",
    "string": "text",
    "bool": "checkbox",
    "object": "lines",
}
_ANY = "any"
_GOES_ON = ("is ", "has ", "contains ", "must ", "names ", "gives ")


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the form: ``value`` is the text in it, ``error`` goes next to it.

    ``least``, ``most`` and ``step`` are the HTML attributes of a number, empty without a limit;
    ``slide`` is the step of its slider. ``usual`` is what it is when nobody changes it.
    """

    name: str
    id: str
    control: Control
    label: str
    help: str = ""
    value: str = ""
    required: bool = False
    least: str = ""
    most: str = ""
    step: str = ""
    inputmode: str = ""
    max_length: int | None = None
    error: str = ""
    unit: str = ""
    slide: str = ""
    usual: str = ""

    @property
    def checked(self) -> bool:
        """Whether a check box is ticked."""
        return self.value == "true"


@dataclass(frozen=True, slots=True)
class Form:
    """All fields, and the problems that belong to none of them."""

    name: Field
    parameters: tuple[Field, ...]
    problems: tuple[str, ...] = ()

    @property
    def wrong(self) -> int:
        """How many messages there are, next to fields and above them."""
        fields = (self.name, *self.parameters)
        return len(self.problems) + sum(1 for field in fields if field.error)


def launch_form(
    name: str,
    parameters: Sequence[Parameter],
    given: Mapping[str, str] | None = None,
    problems: Iterable[Problem] = (),
) -> Form:
    """Make the form of a ZApp; ``given`` is what was entered before, by the names of the inputs.

    ``name`` is proposed for the execution. A problem whose field is ``name`` or
    ``parameters.<key>`` stands next to its input.
    """
    errors: dict[str, str] = {}
    others: list[str] = []
    known = {f"parameters.{each.key}" for each in parameters} | {"name"}
    for problem in problems:
        if problem.field in known:
            errors.setdefault(problem.field, sentence(problem.message, "It"))
        else:
            others.append(sentence(problem.message, problem.field))
    name_field = Field(
        name="name",
        id="field-name",
        control="text",
        label="Name",
        help="How you will find it in your list.",
        value=name if given is None else given.get("name", ""),
        required=True,
        max_length=MAX_EXECUTION_NAME,
        error=errors.get("name", ""),
    )
    fields = tuple(
        _field(number, each, given, errors.get(f"parameters.{each.key}", ""))
        for number, each in enumerate(parameters)
    )
    return Form(name_field, fields, tuple(others))


def as_launched(
    parameters: Sequence[Parameter], name: str, values: Mapping[str, object]
) -> dict[str, str]:
    """What would have to be entered for an earlier launch, by the names of the inputs.

    ``values`` are parameters as they were given, by key or name; the others had their defaults.
    """
    known = {each.key for each in parameters} | {each.name for each in parameters}
    further = {key: value for key, value in values.items() if key not in known}
    entered = {}
    for each in parameters:
        value = values.get(each.key, values.get(each.name, each.default))
        if each.holds_variables and further:
            value = write_lines(_variables(value) | further)
        entered[PREFIX + each.key] = _as_text(value)
    return {"name": name, **entered}


def _variables(value: object) -> dict[str, Any]:
    """Those of an earlier launch; none if an older Zoe took for some what this one does not."""
    try:
        return read_variables(value or "")
    except ValueError:
        return {}


def read_parameters(parameters: Sequence[Parameter], given: Mapping[str, str]) -> dict[str, str]:
    """Return what was entered for each parameter, by its key, still as text.

    A number or text that was left empty is not given: the default or the description's own value
    counts. A check box that is not sent is not ticked.
    """
    values: dict[str, str] = {}
    for parameter in parameters:
        entered = given.get(PREFIX + parameter.key)
        if parameter.type == "bool":
            values[parameter.key] = entered or "false"
        elif entered or (_may_be_emptied(parameter) and entered is not None):
            values[parameter.key] = entered
    return values


def _may_be_emptied(parameter: Parameter) -> bool:
    return parameter.type in ("string", "object") and bool(parameter.default)


def _field(number: int, parameter: Parameter, given: Mapping[str, str] | None, error: str) -> Field:
    name = PREFIX + parameter.key
    before = _as_text(parameter.default) if given is None else given.get(name, "")
    field = Field(
        name=name,
        id=f"field-{number}",
        control=_CONTROLS[parameter.type],
        label=parameter.readable_name or parameter.key,
        help=parameter.description,
        value=before,
        required=parameter.default is not None and parameter.type in ("int", "float"),
        error=error,
    )
    return _with_limits(field, parameter) if field.control == "number" else field


def _with_limits(field: Field, parameter: Parameter) -> Field:
    least = parameter.min
    if parameter.kind == "service_count" and least is None:
        least = 1
    return replace(
        field,
        least=_as_text(least),
        most=_as_text(parameter.max),
        step=_step(parameter, least),
        inputmode="numeric" if parameter.type == "int" else "decimal",
    )


def _step(parameter: Parameter, least: float | None) -> str:
    """Return the step a browser may insist on.

    Browsers count steps from ``min`` and refuse all else, the default included; where Zoe's own
    rule differs from that, the browser allows any number and the server checks.
    """
    step = parameter.step or (1 if parameter.type == "int" else None)
    if step is None:
        return _ANY
    if parameter.step is None:
        return "1"
    default = parameter.default
    if least is None or not isinstance(default, int | float):
        return _ANY
    steps = (default - least) / step
    return _as_text(step) if math.isclose(steps, round(steps), abs_tol=1e-6) else _ANY


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def sentence(message: str, subject: str) -> str:
    """Make a sentence of a problem's message, which often goes on from the name of its field."""
    text = f"{subject} {message}".strip() if message.startswith(_GOES_ON) else message
    return text if text.endswith((".", "!", "?")) else f"{text}."
