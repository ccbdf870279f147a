"""The part of a launch form for memory, cores and the runtime limit: sliders, and what came back.

Memory is entered in MB of 2**20 bytes, a runtime limit in minutes. What was left as the description
has it is not sent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from zoe_core.amount import Amount, describe_memory
from zoe_core.cluster import Node, Quota
from zoe_core.documents import Problem, path
from zoe_core.protocol.rest import Execution
from zoe_core.zapp import InstanceSize, Service, SiteDefaults, ZApp
from zoe_hub.portal.presenters.admin import number as plain
from zoe_hub.portal.presenters.form import Field, sentence
from zoe_hub.portal.presenters.times import seconds_in_words

LIMIT = "runtime_limit"

_MB = 2**20
_LEAST_CORES = 0.1
_POSITIONS = 128
"""A slider has about as many: more cannot be told apart on a phone."""
_LEAST = 0.001  # of whatever is entered
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_MOST_MINUTES = (2**31 - 1) // 60
_MOST_MB = 2**30
_MOST_CORES = 100_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sliders of one service; each of its ``count`` instances gets what they say."""

    service: str
    count: str
    memory: Field
    cores: Field


@dataclass(frozen=True, slots=True)
class Entered:
    """What was asked for, and what of it cannot be read."""

    resources: Mapping[str, InstanceSize] = field(default_factory=dict)
    runtime_limit: int | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Extras:
    """The fields beside the parameters; ``sizes`` is empty for who may not choose any."""

    limit: Field
    sizes: tuple[Sizes, ...] = ()

    @property
    def fields(self) -> Mapping[str, Field]:
        """All of them, by the name of what they set in a request."""
        found = {LIMIT: self.limit}
        for each in self.sizes:
            found[path("resources", each.service, "memory")] = each.memory
            found[path("resources", each.service, "cores")] = each.cores
        return found

    @property
    def labels(self) -> dict[str, str]:
        """What they are called outside of their place."""
        found = {LIMIT: "The runtime limit"}
        for each in self.sizes:
            found[path("resources", each.service, "memory")] = f"The memory of {each.service}"
            found[path("resources", each.service, "cores")] = (
                f"The number of cores of {each.service}"
            )
        return found

    @property
    def wrong(self) -> int:
        """How many messages there are next to them."""
        return sum(1 for each in self.fields.values() if each.error)

    @property
    def touched(self) -> bool:
        """Whether one of them differs from what is usual, or is wrong."""
        return any(each.error or each.value != each.usual for each in self.fields.values())

    def filled(self, given: Mapping[str, str] | None, problems: Iterable[Problem] = ()) -> Extras:
        """With what was entered before, by the names of the inputs, and what is wrong with it."""
        errors = {each.field: sentence(each.message, "It") for each in problems}
        known = self.fields

        def fill(name: str) -> Field:
            each = known[name]
            value = each.value if given is None else given.get(each.name, "")
            return replace(each, value=value or each.usual, error=errors.get(name, ""))

        sizes = tuple(
            replace(
                each,
                memory=fill(path("resources", each.service, "memory")),
                cores=fill(path("resources", each.service, "cores")),
            )
            for each in self.sizes
        )
        return Extras(fill(LIMIT), sizes)


def extras(
    zapp: ZApp, defaults: SiteDefaults, nodes: Sequence[Node], quota: Quota, *, resizable: bool
) -> Extras:
    """Make the fields for a ZApp, within the quota and the largest node."""
    sizes = tuple(_sizes(zapp, defaults, nodes, quota)) if resizable else ()
    return Extras(_limit_field(zapp, quota), sizes)


def as_chosen(resources: Mapping[str, InstanceSize], runtime_limit: int | None) -> dict[str, str]:
    """What would have to be entered for an earlier launch, by the names of the inputs."""
    entered = {}
    for service, size in resources.items():
        if size.memory is not None:
            entered[_memory_name(service)] = str(math.ceil(size.memory / _MB))
        if size.cores is not None:
            entered[_cores_name(service)] = plain(size.cores)
    if runtime_limit is not None:
        entered[LIMIT] = plain(runtime_limit / 60)
    return entered


def read_extras(zapp: ZApp, defaults: SiteDefaults, given: Mapping[str, str]) -> Entered:
    """Read what was entered; an input that is empty, or as the description has it, says nothing."""
    resources: dict[str, InstanceSize] = {}
    problems: list[Problem] = []
    for service in zapp.services:
        usual = service.reservation(defaults)
        memory, cores = given.get(_memory_name(service.name)), given.get(_cores_name(service.name))
        chosen: dict[str, float] = {}
        if memory and memory != _in_mb(usual):
            where = path("resources", service.name, "memory")
            if (megabytes := _number(where, memory, _MOST_MB, "MB", problems)) is not None:
                chosen["memory"] = round(megabytes * _MB)
        if cores and cores != plain(usual.cores):
            where = path("resources", service.name, "cores")
            if (number := _number(where, cores, _MOST_CORES, "cores", problems)) is not None:
                chosen["cores"] = number
        if chosen:
            resources[service.name] = InstanceSize.model_validate(chosen)
    limit = given.get(LIMIT)
    minutes = _number(LIMIT, limit, _MOST_MINUTES, "minutes", problems) if limit else None
    seconds = None if minutes is None else max(1, round(minutes * 60))
    return Entered(resources, seconds, tuple(problems))


def chosen(execution: Execution) -> list[str]:
    """What of sizes was chosen, in words: ``spark-worker: 2 GB, 1.5 cores each``."""
    told = []
    for service, size in execution.resources.items():
        memory = [] if size.memory is None else [describe_memory(size.memory)]
        cores = [] if size.cores is None else [f"{plain(size.cores)} cores"]
        told.append(f"{service}: {', '.join(memory + cores)} each")
    return told


def _number(where: str, text: str, most: int, unit: str, problems: list[Problem]) -> float | None:
    value = float(text) if _NUMBER.fullmatch(text) else -1
    if _LEAST <= value <= most:
        return value
    problems.append(Problem(where, f"is {text[:40]!r}: must be a number of {unit}, above 0"))
    return None


def _sizes(
    zapp: ZApp, defaults: SiteDefaults, nodes: Sequence[Node], quota: Quota
) -> Iterator[Sizes]:
    all_of_them = sum(
        (each.reservation(defaults) * each.essential_count for each in zapp.services), Amount()
    )
    for number, service in enumerate(zapp.services):
        usual = service.reservation(defaults)
        others = all_of_them - usual * service.essential_count
        yield Sizes(
            service=service.name,
            count=_count(service),
            memory=_memory_field(
                number, service, usual, nodes, _share(service, quota.memory, others.memory)
            ),
            cores=_cores_field(
                number, service, usual, nodes, _share(service, quota.millicores, others.millicores)
            ),
        )


def _share(service: Service, quota: int | None, others: int) -> int | None:
    """What the quota leaves for each instance that has to run."""
    return None if quota is None else max(0, quota - others) // max(1, service.essential_count)


def _memory_field(
    number: int, service: Service, usual: Amount, nodes: Sequence[Node], share: int | None
) -> Field:
    largest = max((node.capacity.memory for node in nodes if node.online), default=None)
    most, why = _tightest(largest, share)
    top = None if most is None else max(most, usual.memory)
    most_told = None if top is None else describe_memory(top)
    return Field(
        name=_memory_name(service.name),
        id=f"memory-{number}",
        control="slider",
        label="Memory",
        unit="MB",
        value=_in_mb(usual),
        usual=_in_mb(usual),
        least=_in_mb(usual),
        most="" if top is None else str(top // _MB),
        step="1",
        slide=str(_memory_step(usual.memory, top or 0)),
        inputmode="numeric",
        help=_bounds(describe_memory(usual.memory), most_told, why),
    )


def _cores_field(
    number: int, service: Service, usual: Amount, nodes: Sequence[Node], share: int | None
) -> Field:
    largest = max((node.capacity.millicores for node in nodes if node.online), default=None)
    most, why = _tightest(largest, share)
    top = None if most is None else max(most, usual.millicores) / 1000
    least = min(_LEAST_CORES, usual.cores)
    return Field(
        name=_cores_name(service.name),
        id=f"cores-{number}",
        control="slider",
        label="Cores",
        value=plain(usual.cores),
        usual=plain(usual.cores),
        least=plain(least),
        most="" if top is None else plain(top),
        step="any",
        slide="0.1" if (top or 0) <= 16 else "1",
        inputmode="decimal",
        help=_bounds(plain(least), None if top is None else plain(top), why),
    )


def _tightest(largest: int | None, share: int | None) -> tuple[int | None, str]:
    """The smaller limit, and which it is."""
    if share is not None and (largest is None or share < largest):
        return share, "your quota leaves no more"
    return largest, "the largest node has no more"


def _bounds(least: str, most: str | None, why: str) -> str:
    return f"{least} or more." if not most else f"{least} to {most}: {why}."


def _memory_step(least: int, most: int) -> int:
    step = 64
    while (most - least) // _MB > step * _POSITIONS:
        step *= 2
    return step


def _limit_field(zapp: ZApp, quota: Quota) -> Field:
    own, longest = zapp.runtime_limit, quota.runtime_limit
    counts = min((each for each in (own, longest) if each is not None), default=None)
    told = [
        "It runs for as long as it needs."
        if counts is None
        else f"Left empty, it is ended after {seconds_in_words(counts)}."
    ]
    if longest is not None:
        told.append(f"Your quota is at most {seconds_in_words(longest)}.")
    return Field(
        name=LIMIT,
        id="runtime-limit",
        control="number",
        label="Runtime limit",
        unit="minutes",
        least=plain(_LEAST),
        most="" if longest is None else plain(longest / 60),
        step="any",
        inputmode="decimal",
        help=" ".join(told),
    )


def _count(service: Service) -> str:
    if service.total_count == 1:
        return "1 instance"
    return f"each of up to {service.total_count} instances"


def _memory_name(service: str) -> str:
    return f"memory.{service}"


def _cores_name(service: str) -> str:
    return f"cores.{service}"


def _in_mb(amount: Amount) -> str:
    return str(math.ceil(amount.memory / _MB))
