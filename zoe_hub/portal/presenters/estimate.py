"""What the launch form says before the click: when it would start, and with other numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from zoe_core.protocol.rest import ExpectedStart
from zoe_core.zapp import Parameter, Problem, ZApp
from zoe_hub.portal.presenters.expected import in_words
from zoe_hub.portal.presenters.form import PREFIX, sentence

NOT_NOW = "No estimate just now."

_NUMBER = re.compile("[0-9]{1,9}")
_FACTORS = (0.25, 0.5, 2, 4)
"""Other numbers of instances that are worth a look, as multiples of the present one."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Another number of instances: ``name`` is the input that takes it, ``when`` a few words."""

    name: str
    value: str
    when: str


@dataclass(frozen=True, slots=True)
class Choices:
    """The other numbers for one parameter, smallest first."""

    label: str
    choices: tuple[Choice, ...]


def other_counts(
    zapp: ZApp, parameters: Sequence[Parameter], values: Mapping[str, str]
) -> Iterator[tuple[Parameter, int]]:
    """Other values for each number of instances, smallest first; ``zapp`` has none applied.

    Nothing for a parameter whose present value is no number.
    """
    for parameter in parameters:
        if parameter.kind == "service_count":
            present = _present(zapp, parameter, values)
            for count in () if present is None else _others(parameter, present):
                yield parameter, count


def _present(zapp: ZApp, parameter: Parameter, values: Mapping[str, str]) -> int | None:
    entered = values.get(parameter.key, "")
    if entered:
        return int(entered) if _NUMBER.fullmatch(entered) else None
    if isinstance(parameter.default, int):
        return parameter.default
    return zapp.service(parameter.name).total_count


def _others(parameter: Parameter, present: int) -> list[int]:
    least = int(parameter.min or 1)
    most = max(least, int(parameter.max or max(_FACTORS) * present))
    step = int(parameter.step or 1)
    found = set()
    for factor in _FACTORS:
        wished = min(max(round(present * factor), least), most)
        found.add(least + (wished - least) // step * step)
    return sorted(found - {present})


def choices(
    asked: Iterable[tuple[Parameter, int]], starts: Iterable[ExpectedStart]
) -> list[Choices]:
    """What to show of other numbers and their starts, which are in the same order."""
    rows: dict[str, list[Choice]] = {}
    for (parameter, value), start in zip(asked, starts, strict=True):
        row = rows.setdefault(parameter.readable_name or parameter.key, [])
        row.append(Choice(PREFIX + parameter.key, str(value), _when(start)))
    return [Choices(label, tuple(row)) for label, row in rows.items()]


def _when(start: ExpectedStart) -> str:
    return "no estimate" if start.mid_s is None else in_words(start)[0]


def would_be_refused(
    problems: Sequence[Problem],
    parameters: Iterable[Parameter],
    others: Mapping[str, str] | None = None,
) -> str:
    """Say why a launch as it is entered now would be refused.

    ``others`` has the labels of what is no parameter, by the field of a problem.
    """
    labels = {f"parameters.{each.key}": each.readable_name or each.key for each in parameters}
    labels.update(others or {})
    first = problems[0]
    return f"This would be refused. {sentence(first.message, labels.get(first.field, first.field))}"
