"""From a service to what one instance of it runs: its words, its environment, its directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zoe_core.zapp import _placeholders as placeholders
from zoe_core.zapp._check import split_command
from zoe_core.zapp._model import Port, Service, SiteDefaults, ZApp, instance_name


@dataclass(frozen=True, slots=True)
class InstanceContext:
    """What is known only when an instance starts.

    ``workspace`` is the path that the instance sees. ``dns_name`` takes the name of a service and
    an index and returns the name or address under which that instance is reached. ``proxy_path``
    takes the name of an instance (``jupyter-0``) and a port and returns the path of its endpoint.
    ``defaults`` are the site's, for what the description leaves open.
    """

    user_name: str
    execution_id: str | int
    execution_name: str
    deployment_name: str
    workspace: str
    uid: int
    gid: int
    dns_name: Callable[[str, int], str]
    proxy_path: Callable[[str, int], str]
    defaults: SiteDefaults


@dataclass(frozen=True, slots=True)
class RenderedInstance:
    """What to run; a ``command`` of None leaves it to the image."""

    command: tuple[str, ...] | None
    environment: dict[str, str]
    work_dir: str | None


def render_instance(
    zapp: ZApp, service: Service, index: int, context: InstanceContext
) -> RenderedInstance:
    """Return what instance ``index`` of ``service`` runs.

    The command is split into words before any placeholder is replaced, so a value can never become
    two words. Zoe's own variables win over those of the description, as the original's did.
    """

    def expand(text: str) -> str:
        return placeholders.substitute(
            text, lambda name: _value(name, zapp, service, index, context)
        )

    command = None
    if service.command is not None:
        command = tuple(expand(word) for word in split_command(service.command))
    environment = {name: expand(value) for name, value in service.environment}
    environment.update(_own_variables(service, index, context))
    return RenderedInstance(command, environment, service.work_dir)


def render_url(port: Port, ip_port: str, proxy_path: str) -> str:
    """Return the address of an endpoint from its template."""
    values = {"ip_port": ip_port, "proxy_path": proxy_path}
    return placeholders.substitute_url(port.url_template, values)


def _value(name: str, zapp: ZApp, service: Service, index: int, context: InstanceContext) -> str:
    """Return what stands for a placeholder; a checked ZApp has none without an answer."""
    kind, _, reference = name.partition("#")
    if kind == "memory":
        return str(zapp.service(reference).reservation(context.defaults).memory)
    if kind != "dns_name":
        return str(getattr(context, name))
    if reference == "self":
        return context.dns_name(service.name, index)
    found = placeholders.find_instance(zapp, reference)
    if found is None:
        raise ValueError(f"{{{name}}} names no instance of {zapp.name!r}")
    return context.dns_name(found[0].name, found[1])


def _own_variables(service: Service, index: int, context: InstanceContext) -> dict[str, str]:
    """Return the variables that Zoe sets, most of them named as the original named them.

    SERVICE_NAME has the form of the placeholders, ``spark-worker0``. ZOE_MEMORY, in bytes, and
    ZOE_CORES are reserved for this instance; ZOE_MEMORY_LIMIT is its hard limit, if it has one.
    """
    reserved = service.reservation(context.defaults)
    limit = service.memory_limit(context.defaults)
    own = {
        "ZOE_WORKSPACE": context.workspace,
        "EXECUTION_ID": str(context.execution_id),
        "DEPLOY_NAME": context.deployment_name,
        "ZOE_USER": context.user_name,
        "ZOE_UID": str(context.uid),
        "ZOE_GID": str(context.gid),
        "SERVICE_NAME": f"{service.name}{index}",
        "ZOE_MEMORY": str(reserved.memory),
        "ZOE_CORES": f"{reserved.cores:g}",
    }
    if limit is not None:
        own["ZOE_MEMORY_LIMIT"] = str(limit)
    for port in service.ports:
        path = context.proxy_path(instance_name(service, index), port.port_number)
        own[f"REVERSE_PROXY_PATH_{port.port_number}"] = path
    return own
