"""The description of an application, as frozen values.

The field names are those of the documents. Fields that version 4 added carry ``since=4`` in the
schema's metadata; :mod:`zoe_core.zapp._versions` reads it there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from zoe_core.amount import Amount
from zoe_core.zapp import _fields as fields

MAX_SERVICES = 100
MAX_RESULTS = 16
MAX_PORTS = 64  # an engine may run a process for each
DEFAULT_RESTARTS = 3
DEFAULT_GRACE = 10
DEFAULT_URL_TEMPLATE = "http://{ip_port}{proxy_path}"
SIGNALS = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGPWR")

_SINCE_4: JsonDict = {"since": 4}


SMALLEST_MEMORY = 16 * 2**20  # bytes
SMALLEST_CORES = 0.01


@dataclass(frozen=True, slots=True)
class SiteDefaults:
    """What a site gives to a service that does not say what it needs.

    ``memory`` is reserved, in bytes; ``memory_limit`` is the hard limit in bytes, None for no
    limit; ``cores`` is in cores.
    """

    memory: int = 512 * 2**20
    memory_limit: int | None = None
    cores: float = 0.1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MemoryLimits(_Part):
    """Memory of one instance in bytes: ``min`` is reserved, ``max`` is the hard limit."""

    min: fields.Bytes | None = None
    max: fields.Bytes | None = None


class CoreLimits(_Part):
    """Cores of one instance: ``min`` is reserved and guaranteed; what idles may be used too."""

    min: fields.Cores | None = None
    max: fields.Cores | None = None


class ServiceResources(_Part):
    """What one instance needs; ``shm`` is shared memory in bytes."""

    memory: MemoryLimits = MemoryLimits()
    cores: CoreLimits = CoreLimits()
    shm: fields.Bytes | None = None
    gpus: Annotated[fields.Gpus, Field(json_schema_extra=_SINCE_4)] = 0


class Port(_Part):
    """A port on which a service listens.

    ``web`` ports are opened through the portal, ``tcp`` ports are not. When a document does not
    say, a tcp port whose address begins with http or https is a web port.
    """

    name: fields.Label
    port_number: fields.PortNumber
    protocol: fields.Protocol = "tcp"
    url_template: fields.UrlTemplate = DEFAULT_URL_TEMPLATE
    proxy: fields.Truth = False
    kind: Annotated[fields.PortKind, Field(json_schema_extra=_SINCE_4)] = "web"

    @model_validator(mode="before")
    @classmethod
    def _derive_kind(cls, document: object) -> object:
        if not isinstance(document, dict) or "kind" in document:
            return document
        template = document.get("url_template", DEFAULT_URL_TEMPLATE)
        plain = document.get("protocol") == "udp" or not str(template).startswith("http")
        return {**document, "kind": "tcp"} if plain else document


class Volume(_Part):
    """A directory of the host, mounted as ``/mnt/<name>`` when the administrator listed it."""

    name: fields.VolumeName
    path: fields.HostPath
    read_only: fields.Truth = False


class Restart(_Part):
    """Whether an instance that failed starts again, and how often (``on-failure`` only)."""

    policy: fields.RestartPolicy = "never"
    count: fields.RestartCount = DEFAULT_RESTARTS


def _check_signal(value: object) -> str:
    name = f"SIG{value.removeprefix('SIG')}" if isinstance(value, str) else ""
    if name not in SIGNALS:
        raise fields.wrong(value, f"must be one of {', '.join(SIGNALS)}")
    return name


class Shrink(_Part):
    """How elastic instances are taken back: ``signal`` first, the end after ``grace`` seconds."""

    allowed: fields.Truth = True
    signal: Annotated[str, BeforeValidator(_check_signal), Field(pattern="^(SIG)?[A-Z0-9]+$")] = (
        "SIGTERM"
    )
    grace: fields.Seconds = DEFAULT_GRACE


def _expand_restart(value: object) -> object:
    return {"policy": value} if isinstance(value, str) else value


class Service(_Part):
    """One described component: ``total_count`` equal instances, ``essential_count`` of them needed.

    ``min_hold`` is how long, in seconds, an elastic instance is left alone before it may be taken
    back.
    """

    name: fields.ServiceName
    image: fields.Image
    monitor: fields.Truth
    total_count: fields.TotalCount
    essential_count: fields.EssentialCount
    ports: Annotated[tuple[Port, ...], Field(max_length=MAX_PORTS)] = ()
    environment: tuple[fields.Variable, ...] = ()
    volumes: tuple[Volume, ...] = ()
    command: fields.Command | None = None
    work_dir: fields.WorkDir | None = None
    labels: tuple[fields.Label, ...] = ()
    network: fields.Label | None = None
    resources: ServiceResources = ServiceResources()
    startup_order: fields.Order = 0
    replicas: Annotated[
        fields.TotalCount, Field(description="Accepted, as the original wrote it, and ignored.")
    ] = 1
    restart: Annotated[
        Restart,
        BeforeValidator(_expand_restart, json_schema_input_type=fields.RestartPolicy | Restart),
        Field(json_schema_extra=_SINCE_4),
    ] = Restart()
    shrink: Annotated[Shrink, Field(json_schema_extra=_SINCE_4)] = Shrink()
    min_hold: Annotated[fields.Seconds, Field(json_schema_extra=_SINCE_4)] = 0

    @property
    def dns_label(self) -> str:
        """The name as DNS names and containers carry it: ``my-worker`` for ``My_Worker``."""
        return re.sub(r"[^a-z0-9-]", "-", self.name.lower())

    @property
    def elastic_count(self) -> int:
        """How many instances only make it faster."""
        return self.total_count - self.essential_count

    def reservation(self, defaults: SiteDefaults) -> Amount:
        """Return what the scheduler holds for one instance, never less than a process costs."""
        memory, cores = self.resources.memory, self.resources.cores
        reserved = memory.min
        if reserved is None:
            reserved = defaults.memory if memory.max is None else min(defaults.memory, memory.max)
        wanted = cores.min
        if wanted is None:
            wanted = defaults.cores if cores.max is None else min(defaults.cores, cores.max)
        return Amount.of(
            max(reserved, SMALLEST_MEMORY), max(wanted, SMALLEST_CORES), self.resources.gpus
        )

    def memory_limit(self, defaults: SiteDefaults) -> int | None:
        """Return the hard limit of one instance in bytes, never below what it reserves, or None."""
        limit = self.resources.memory.max
        if limit is None:
            limit = defaults.memory_limit
        return None if limit is None else max(limit, self.reservation(defaults).memory)


class Result(_Part):
    """A file that an execution leaves in the workspace; ``path`` begins at its top."""

    name: fields.Label
    path: fields.ResultPath


class ZApp(_Part):
    """An application: generic attributes and its services.

    ``runtime_limit`` is in seconds and counts from the start. ``size`` is the original's hint for
    its size-based policies. ``hub_server`` names the service that is a Jupyter single-user server.
    """

    name: fields.ZAppName
    version: fields.Version
    services: Annotated[tuple[Service, ...], Field(min_length=1, max_length=MAX_SERVICES)]
    will_end: fields.Truth = True
    size: fields.Size = 1
    description: Annotated[fields.Description, Field(json_schema_extra=_SINCE_4)] = ""
    runtime_limit: Annotated[fields.RuntimeLimit | None, Field(json_schema_extra=_SINCE_4)] = None
    priority: Annotated[fields.Priority, Field(json_schema_extra=_SINCE_4)] = "normal"
    hub_server: Annotated[fields.ServiceName | None, Field(json_schema_extra=_SINCE_4)] = None
    results: Annotated[
        tuple[Result, ...], Field(max_length=MAX_RESULTS, json_schema_extra=_SINCE_4)
    ] = ()

    def service(self, name: str) -> Service:
        """Return the service called ``name``; raises KeyError when there is none."""
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)


def instance_name(service: Service, index: int) -> str:
    """Return the name of an instance: ``spark-worker-0``. Unique within a ZApp."""
    return f"{service.dns_label}-{index}"
