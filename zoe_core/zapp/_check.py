"""Checks that look at more than one field: names that must differ, counts, ranges, references."""

from __future__ import annotations

import re
import shlex
from collections.abc import Hashable, Iterable, Iterator

from zoe_core.amount import describe_memory
from zoe_core.documents import Problem, Steps, path, show
from zoe_core.zapp import _placeholders as placeholders
from zoe_core.zapp._fields import MAX_COUNT, MAX_SERVICE_NAME
from zoe_core.zapp._model import Service, ZApp
from zoe_core.zapp._results import find_result_problems

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def find_problems(zapp: ZApp) -> list[Problem]:
    """Return everything that is wrong with a description whose single fields are right."""
    problems = [*_check_whole(zapp), *_check_unique(zapp), *_check_hub_server(zapp)]
    problems += find_result_problems(zapp)
    for number, service in enumerate(zapp.services):
        at = ("services", number)
        problems += _check_name(zapp, service, at)
        problems += _check_counts(zapp, service, at)
        problems += _check_ranges(service, at)
        problems += _check_ports(service, at)
        problems += _check_volumes(service, at)
        problems += _check_texts(zapp, service, at)
    return problems


def find_warnings(zapp: ZApp) -> list[Problem]:
    """Return what is allowed and probably a mistake: words in braces that mean nothing."""
    warnings = []
    for number, service in enumerate(zapp.services):
        for at, text in _texts(service, ("services", number)):
            for word in placeholders.unknown_words(text):
                message = f"contains {{{word}}}, which is left as it is: the placeholders are "
                warnings.append(Problem(path(*at), message + placeholders.ALL_SHOWN))
    return warnings


def split_command(command: str) -> tuple[str, ...]:
    """Split a command into words as a shell does, without running one.

    Raises ValueError, with a sentence for its author, when quotes do not match or no word is there.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        reason = "a quote is not closed" if "quot" in str(error) else "it ends in a backslash"
        raise ValueError(f"is {show(command)}: cannot be split into words, {reason}") from None
    if not words or not words[0]:
        raise ValueError(f"is {show(command)}: must begin with the name of a program")
    return words


def _check_whole(zapp: ZApp) -> Iterator[Problem]:
    if not any(service.monitor for service in zapp.services):
        yield Problem(
            "services",
            "have no monitor: at least one service must have monitor set to true; "
            "the execution ends when it ends",
        )
    elif not any(service.monitor and service.essential_count for service in zapp.services):
        yield Problem(
            "services", "have no essential monitor: one must have an essential_count of 1 or more"
        )
    total = sum(service.total_count for service in zapp.services)
    if total > MAX_COUNT:
        yield Problem("services", f"have {total} instances in all: must be at most {MAX_COUNT}")


def _check_hub_server(zapp: ZApp) -> Iterator[Problem]:
    if zapp.hub_server is None:
        return
    names = [service.name for service in zapp.services]
    if zapp.hub_server not in names:
        yield Problem(
            "hub_server", f"is {show(zapp.hub_server)}: must name a service, {_either(names)}"
        )
        return
    service = zapp.service(zapp.hub_server)
    if (service.total_count, service.essential_count) != (1, 1):
        yield Problem(
            "hub_server",
            f"is {show(service.name)}, with total_count {service.total_count} and essential_count "
            f"{service.essential_count}: both must be 1 for a Jupyter server",
        )


def _check_name(zapp: ZApp, service: Service, at: Steps) -> Iterator[Problem]:
    if zapp.version >= 4 and not _DNS_LABEL.fullmatch(service.name):
        yield Problem(
            path(*at, "name"),
            f"is {show(service.name)}: must be lower-case letters, digits and hyphens, at most "
            f"{MAX_SERVICE_NAME}, such as {service.dns_label!r}",
        )


def _check_unique(zapp: ZApp) -> Iterator[Problem]:
    for number in _repeated([service.dns_label for service in zapp.services]):
        service = zapp.services[number]
        yield Problem(
            path("services", number, "name"),
            f"is {show(service.name)}: must differ from the other services' names, "
            f"also as a DNS name ({service.dns_label})",
        )


def _check_counts(zapp: ZApp, service: Service, at: Steps) -> Iterator[Problem]:
    if service.essential_count > service.total_count:
        yield Problem(
            path(*at, "essential_count"),
            f"is {service.essential_count}: must be at most total_count, {service.total_count}",
        )
    if zapp.version == 3 and service.essential_count == 0:
        yield Problem(
            path(*at, "essential_count"),
            "is 0: must be 1 or more in a version 3 description; version 4 allows 0",
        )


def _check_ranges(service: Service, at: Steps) -> Iterator[Problem]:
    memory, cores = service.resources.memory, service.resources.cores
    if memory.max == 0:
        yield Problem(path(*at, "resources", "memory", "max"), "is 0: must be 1 byte or more")
    if memory.min is not None and memory.max is not None and memory.min > memory.max:
        yield Problem(
            path(*at, "resources", "memory", "min"),
            f"is {memory.min} ({describe_memory(memory.min)}): must be at most max, {memory.max} "
            f"({describe_memory(memory.max)})",
        )
    if cores.min is not None and cores.max is not None and cores.min > cores.max:
        yield Problem(
            path(*at, "resources", "cores", "min"),
            f"is {cores.min:g}: must be at most max, {cores.max:g}",
        )


def _check_ports(service: Service, at: Steps) -> Iterator[Problem]:
    keys = [(port.port_number, port.protocol) for port in service.ports]
    for number in _repeated(keys):
        yield Problem(
            path(*at, "ports", number, "port_number"),
            f"is {keys[number][0]}: this service has that {keys[number][1]} port already",
        )
    for number, port in enumerate(service.ports):
        if port.kind == "web" and port.protocol == "udp":
            yield Problem(
                path(*at, "ports", number, "kind"), "is 'web': must be 'tcp' for a udp port"
            )
        for word in placeholders.unknown_words(port.url_template, placeholders.IN_URLS):
            yield Problem(
                path(*at, "ports", number, "url_template"),
                f"contains {{{word}}}: the placeholders are {{ip_port}} and {{proxy_path}}",
            )


def _check_volumes(service: Service, at: Steps) -> Iterator[Problem]:
    for number in _repeated([volume.name for volume in service.volumes]):
        yield Problem(
            path(*at, "volumes", number, "name"),
            f"is {show(service.volumes[number].name)}: this service has that volume already",
        )


def _check_texts(zapp: ZApp, service: Service, at: Steps) -> Iterator[Problem]:
    if service.command is not None:
        try:
            split_command(service.command)
        except ValueError as error:
            yield Problem(path(*at, "command"), str(error))
    for steps, text in _texts(service, at):
        for reference in placeholders.references(text, "dns_name"):
            if reference != "self" and placeholders.find_instance(zapp, reference) is None:
                yield Problem(path(*steps), _bad_reference(zapp, reference))
        services = [each.name for each in zapp.services]
        for reference in placeholders.references(text, "memory"):
            if reference not in services:
                shown = show(f"{{memory#{reference}}}")
                message = f"contains {shown}: after # must come a service, {_either(services)}"
                yield Problem(path(*steps), message)


def _bad_reference(zapp: ZApp, reference: str) -> str:
    instances = [
        f"{each.name}0" + (f" to {each.name}{each.total_count - 1}" if each.total_count > 1 else "")
        for each in zapp.services
    ]
    return (
        f"contains {show(f'{{dns_name#{reference}}}')}: after # must come self or the name of an "
        f"instance, {_either(instances)}"
    )


def _texts(service: Service, at: Steps) -> Iterator[tuple[Steps, str]]:
    """Yield the texts of a service in which placeholders are replaced, with where they stand."""
    if service.command is not None:
        yield (*at, "command"), service.command
    for number, (_, value) in enumerate(service.environment):
        yield (*at, "environment", number), value


def _repeated(keys: Iterable[Hashable]) -> Iterator[int]:
    seen: set[Hashable] = set()
    for number, key in enumerate(keys):
        if key in seen:
            yield number
        seen.add(key)


def _either(names: list[str]) -> str:
    shown = names if len(names) <= 8 else [*names[:8], "…"]
    return " or ".join(shown) if len(shown) <= 2 else f"one of {', '.join(shown)}"
