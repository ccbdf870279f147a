"""The form of a quota: limits in units that people use, and what a browser sent back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from zoe_core.protocol.rest_admin import (
    MOST,
    MOST_BYTES,
    UNLIMITED,
    Quota,
    QuotaKind,
    QuotaLimits,
)
from zoe_hub.portal.presenters.admin import number
from zoe_hub.portal.presenters.times import seconds_in_words

AS_DEFAULT, NO_LIMIT, AT_MOST = "default", "unlimited", "limit"

_GB = 2**30
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a quota: ``size`` is how much of REST's unit one of the form's unit is.

    ``most`` is the largest number of the form's unit that can be stored.
    """

    name: str
    label: str
    unit: str
    size: int
    whole: bool
    most: float
    least: float = 0.0
    help: str = ""


LIMITS = (
    Limit("executions", "Executions at a time", "executions", 1, True, MOST),
    Limit("memory", "Memory", "GB", _GB, False, MOST_BYTES // _GB),
    Limit("cores", "Cores", "cores", 1, False, MOST // 1000),
    Limit("gpus", "GPUs", "GPUs", 1, True, MOST),
    Limit(
        "runtime_limit",
        "Run time of each execution",
        "hours",
        _HOUR,
        False,
        MOST // _HOUR,
        1 / _HOUR,
        "Counted from its start, also for what runs now.",
    ),
)

_WEIGHT = Limit(
    "weight",
    "Weight",
    "",
    1,
    False,
    1_000_000,
    1e-6,
    "Twice the weight, twice the share, where the policy is fair.",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the ways to limit, with its words."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One limit of the form: which of the choices, the number in the box, and what is wrong."""

    name: str
    label: str
    unit: str
    choices: tuple[Choice, ...]
    chosen: str
    value: str
    step: str
    help: str
    error: str


@dataclass(frozen=True, slots=True)
class Form:
    """All limits; ``problems`` belong to none of them. ``exists``: there is such a quota now.

    ``version`` is that of the quota which this was shown with.
    """

    kind: QuotaKind
    name: str
    title: str
    explained: str
    fields: tuple[Field, ...]
    exists: bool
    version: str
    problems: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether anything was said to be wrong."""
        return bool(self.problems) or any(each.error for each in self.fields)


@dataclass
class Entered:
    """What a form says: a quota, or what is wrong with it, by the name of the field."""

    document: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def limits(self) -> QuotaLimits:
        """The quota; only when nothing is wrong."""
        return QuotaLimits.model_validate(self.document)


def as_entered(quota: Quota | None) -> dict[str, str]:
    """What would have to be entered for a quota, by the names of the inputs."""
    entered = {}
    for limit in (*LIMITS, _WEIGHT):
        value: Any = None if quota is None else getattr(quota, limit.name)
        mode = AS_DEFAULT if value is None else NO_LIMIT if value == UNLIMITED else AT_MOST
        entered[f"{limit.name}.mode"] = mode
        if mode == AT_MOST:
            entered[f"{limit.name}.value"] = _exact(value, limit)
    return entered


def _exact(value: float, limit: Limit) -> str:
    """The shortest number of the form's unit that is read as ``value`` again."""
    shown = value / limit.size
    for digits in range(3, 10):
        text = f"{shown:.{digits}f}".rstrip("0").rstrip(".")
        if _stored(float(text), limit) == value:
            return text
    return f"{Decimal(repr(shown)):f}"


def read(given: Mapping[str, str]) -> Entered:
    """Read what was entered; a limit that is not mentioned is as the default."""
    entered = Entered()
    for limit in (*LIMITS, _WEIGHT):
        mode = given.get(f"{limit.name}.mode", AS_DEFAULT)
        if mode == NO_LIMIT and limit is not _WEIGHT:
            entered.document[limit.name] = UNLIMITED
        elif mode != AS_DEFAULT:
            text = given.get(f"{limit.name}.value", "").strip()
            try:
                entered.document[limit.name] = _read_number(limit, text)
            except ValueError as error:
                entered.errors[limit.name] = str(error)
    return entered


def _read_number(limit: Limit, text: str) -> float | int:
    """A number of the form's unit in that of REST; raises ValueError with a sentence."""
    if not text:
        raise ValueError(f"Enter a number{_of(limit)}, or choose another limit.")
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"“{text[:40]}” is not a number: enter one such as {_example(limit)}.")
    if not limit.least <= value <= limit.most:
        least = "more than 0" if limit.least else "0 or more"
        raise ValueError(f"It must be {least}, and at most {number(limit.most)}{_of(limit)}.")
    if limit.whole and value != int(value):
        raise ValueError(f"It must be a whole number{_of(limit)}.")
    return _stored(value, limit)


def _stored(value: float, limit: Limit) -> float | int:
    """A number of the form's unit in that of REST, which has whole bytes and seconds."""
    stored = value * limit.size
    return round(stored) if limit.whole or limit.size > 1 else stored


def _of(limit: Limit) -> str:
    return f" of {limit.unit}" if limit.unit else ""


def _example(limit: Limit) -> str:
    return "4" if limit.whole else "1.5"


def form(
    kind: QuotaKind,
    name: str,
    given: Mapping[str, str],
    *,
    exists: bool,
    errors: Mapping[str, str] | None = None,
    problems: tuple[str, ...] = (),
) -> Form:
    """The form with what is, or was, entered; ``errors`` stand at the fields."""
    said = errors or {}
    return Form(
        kind=kind,
        name=name,
        title=_TITLES[kind].format(name=name),
        explained=_EXPLAINED[kind],
        fields=tuple(
            _field(limit, kind, given, said.get(limit.name, "")) for limit in (*LIMITS, _WEIGHT)
        ),
        exists=exists,
        version=given.get("version", ""),
        problems=problems,
    )


_TITLES = {
    "default": "Default quota",
    "group": "Quota of each member of {name}",
    "user": "Quota of {name}",
}
_EXPLAINED = {
    "default": "It counts for everybody, where neither her own quota nor one of a group of hers "
    "says something else.",
    "group": "It counts for each member by herself, not for all together. Of several groups, and "
    "of her own quota, the most generous counts, limit by limit.",
    "user": "Of her own quota and those of her groups the most generous counts, limit by limit.",
}


def _field(limit: Limit, kind: QuotaKind, given: Mapping[str, str], error: str) -> Field:
    choices = _choices(limit, kind)
    chosen = given.get(f"{limit.name}.mode", AS_DEFAULT)
    if chosen not in {each.value for each in choices}:
        # The default quota says the same in both ways: no limit.
        chosen = choices[0].value
    return Field(
        name=limit.name,
        label=limit.label,
        unit=limit.unit,
        choices=choices,
        chosen=chosen,
        value=given.get(f"{limit.name}.value", ""),
        step="1" if limit.whole else "any",
        help=limit.help,
        error=error,
    )


def _choices(limit: Limit, kind: QuotaKind) -> tuple[Choice, ...]:
    if limit is _WEIGHT:
        first = Choice(AS_DEFAULT, "1" if kind == "default" else "As the default")
        return first, Choice(AT_MOST, "Set to")
    at_most = Choice(AT_MOST, "At most")
    if kind == "default":
        return Choice(NO_LIMIT, "No limit"), at_most
    return Choice(AS_DEFAULT, "As the default"), Choice(NO_LIMIT, "No limit"), at_most


@dataclass(frozen=True, slots=True)
class Row:
    """A quota in the list: what it limits in words, and who set it."""

    kind: QuotaKind
    name: str
    title: str
    limits: tuple[str, ...]
    by: str


def row(quota: Quota) -> Row:
    """One quota in words."""
    title = "Everybody" if quota.kind == "default" else quota.name
    return Row(quota.kind, quota.name, title, tuple(in_words(quota)), quota.changed_by)


def changed_meanwhile(quota: Quota | None) -> str:
    """What somebody else did while the form was open, and what may be done now."""
    if quota is None:
        return "Somebody has removed it meanwhile. To set it to what is below, set it once more."
    now = ", ".join(in_words(quota))
    return (
        f"{quota.changed_by} has set it meanwhile: {now}. To replace that by what is below, "
        "or to remove it, do that once more."
    )


def in_words(quota: Quota) -> list[str]:
    """What a quota says: ``at most 8 GB``, ``no limit on cores``."""
    said = []
    for limit in LIMITS:
        value = getattr(quota, limit.name)
        if value == UNLIMITED:
            said.append(f"no limit on {_NOUNS[limit.name]}")
        elif limit.name == "runtime_limit" and value is not None:  # from a second to years
            said.append(f"at most {seconds_in_words(value)} each")
        elif value is not None:
            said.append(f"at most {number(value / limit.size)} {_NOUNS_OF[limit.name]}")
    if quota.weight is not None:
        said.append(f"weight {number(quota.weight)}")
    return said or ["says nothing"]


_NOUNS = {
    "executions": "executions",
    "memory": "memory",
    "cores": "cores",
    "gpus": "GPUs",
    "runtime_limit": "the run time",
}
_NOUNS_OF = {
    "executions": "executions at a time",
    "memory": "GB",
    "cores": "cores",
    "gpus": "GPUs",
}
