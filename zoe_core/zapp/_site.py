"""What the administrator of a site allows and requires, beyond what makes a description valid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from zoe_core.documents import Problem, Steps, path, show
from zoe_core.zapp._model import Service, SiteDefaults, ZApp


@dataclass(frozen=True, slots=True)
class SitePolicy:
    """The rules of one site.

    ``allowed_volumes`` are host paths, matched exactly. ``needs_command`` is true where a back-end
    has no images that know what to run.
    """

    defaults: SiteDefaults = field(default_factory=SiteDefaults)
    allowed_volumes: frozenset[str] = frozenset()
    allowed_networks: frozenset[str] = frozenset()
    needs_command: bool = False


def check_site(zapp: ZApp, policy: SitePolicy) -> tuple[Problem, ...]:
    """Return what this site does not grant to ``zapp``; empty when it may run here."""
    return tuple(
        problem
        for number, service in enumerate(zapp.services)
        for problem in _check_service(service, policy, ("services", number))
    )


def _check_service(service: Service, policy: SitePolicy, at: Steps) -> Iterator[Problem]:
    for number, volume in enumerate(service.volumes):
        if volume.path not in policy.allowed_volumes:
            yield Problem(
                path(*at, "volumes", number, "path"),
                f"is {show(volume.path)}: {_listed('directory', policy.allowed_volumes)}",
            )
    if service.network is not None and service.network not in policy.allowed_networks:
        yield Problem(
            path(*at, "network"),
            f"is {show(service.network)}: {_listed('network', policy.allowed_networks)}",
        )
    if policy.needs_command and service.command is None:
        yield Problem(
            path(*at, "command"),
            "is missing: this site runs services as local processes, so each must say its command",
        )


def _listed(noun: str, allowed: frozenset[str]) -> str:
    if not allowed:
        return f"the administrator of this site has allowed no {noun}"
    return f"must be a {noun} that the administrator allowed, {', '.join(sorted(allowed))}"
