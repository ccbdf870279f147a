"""Changing what was launched, or is about to be: priority, runtime limit, memory and cores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from zoe_core.documents import Problem, path, show
from zoe_core.zapp import _fields as fields
from zoe_core.zapp._model import (
    SMALLEST_CORES,
    SMALLEST_MEMORY,
    CoreLimits,
    MemoryLimits,
    Service,
    ZApp,
)
from zoe_core.zapp._problems import ZAppError


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InstanceSize(_Part):
    """What each instance of a service is to have: ``memory`` in bytes, ``cores`` in cores.

    Memory that is chosen is reserved; the hard limit stays as far above that as it was. Null: as
    it was.
    """

    memory: fields.Bytes | None = None
    cores: fields.Cores | None = None


class Changes(_Part):
    """What is to be other than the description says; null: nothing.

    ``runtime_limit`` is in seconds, from the start. ``resources`` has sizes by the service's name.
    """

    priority: fields.Priority | None = None
    runtime_limit: fields.RuntimeLimit | None = None
    resources: Annotated[Mapping[str, InstanceSize], Field(max_length=100)] = Field(
        default_factory=dict
    )

    def __bool__(self) -> bool:
        return bool(self.document())

    def document(self) -> dict[str, Any]:
        """As JSON has it, without what is as it was."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)

    def followed_by(self, later: Changes) -> Changes:
        """Both, one after the other: where they differ the later one counts."""
        sizes = dict(self.resources)
        for name, size in later.resources.items():
            before = sizes.get(name, InstanceSize())
            sizes[name] = before.model_copy(update=size.model_dump(exclude_none=True))
        others = {"priority", "runtime_limit"}
        changed = later.model_dump(include=others, exclude_none=True)
        return self.model_copy(update={**changed, "resources": sizes})


UNCHANGED = Changes()


def amend(zapp: ZApp, changes: Changes) -> ZApp:
    """Return ``zapp`` with ``changes``; raises :class:`ZAppError` when they do not suit it."""
    if problems := [*_problems(zapp, changes.resources)]:
        raise ZAppError(problems)
    given = changes.model_dump(include={"priority", "runtime_limit"}, exclude_none=True)
    sizes = changes.resources
    services = tuple(
        _resized(each, sizes[each.name]) if each.name in sizes else each for each in zapp.services
    )
    return zapp.model_copy(update={**given, "services": services})


def _problems(zapp: ZApp, sizes: Mapping[str, InstanceSize]) -> Iterator[Problem]:
    names = [service.name for service in zapp.services]
    for name, size in sizes.items():
        if name not in names:
            known = ", ".join(names)
            yield Problem(path("resources", name), f"is no service here: the services are {known}")
        if size.memory is not None and size.memory < SMALLEST_MEMORY:
            message = f"is {show(size.memory)}: must be {SMALLEST_MEMORY} bytes or more"
            yield Problem(path("resources", name, "memory"), message)
        if size.cores is not None and size.cores < SMALLEST_CORES:
            message = f"is {show(size.cores)}: must be {SMALLEST_CORES} cores or more"
            yield Problem(path("resources", name, "cores"), message)


def _resized(service: Service, size: InstanceSize) -> Service:
    resources = service.resources
    if size.memory is not None:
        memory = MemoryLimits(min=size.memory, max=size.memory + _headroom(resources.memory))
        resources = resources.model_copy(update={"memory": memory})
    if size.cores is not None:
        capped = None if resources.cores.max is None else size.cores
        cores = CoreLimits(min=size.cores, max=capped)
        resources = resources.model_copy(update={"cores": cores})
    return service.model_copy(update={"resources": resources})


def _headroom(memory: MemoryLimits) -> int:
    """Bytes of the hard limit above what is reserved: the same after any number of changes."""
    if memory.min is None or memory.max is None:
        return 0
    return max(0, memory.max - memory.min)
