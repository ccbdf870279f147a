"""What of a ZApp goes beyond its user's quota by itself, so that no waiting would help."""

from __future__ import annotations

from collections.abc import Iterator

from zoe_core.amount import Amount, describe_memory
from zoe_core.cluster import Quota
from zoe_core.documents import Problem
from zoe_core.zapp import SiteDefaults, ZApp


def over_quota(zapp: ZApp, quota: Quota, defaults: SiteDefaults) -> tuple[Problem, ...]:
    """What the quota never allows, with the numbers; fields are those of the description.

    Only essential instances count: elastic ones take what the quota leaves.
    """
    return tuple(_beyond(zapp, quota, defaults))


def _beyond(zapp: ZApp, quota: Quota, defaults: SiteDefaults) -> Iterator[Problem]:
    if quota.executions == 0:
        yield Problem("", "Your quota is 0 executions: ask the administrator for more")
    count = sum(service.essential_count for service in zapp.services)
    held = sum(
        (service.reservation(defaults) * service.essential_count for service in zapp.services),
        Amount(),
    )
    for needed, allowed in _compared(held, quota):
        theirs = "instance needs" if count == 1 else f"instances ({count}) need"
        yield Problem("services", f"The essential {theirs} {needed}; your quota is {allowed}")
    limit = quota.runtime_limit
    if limit is not None and (zapp.runtime_limit or 0) > limit:
        yield Problem(
            "runtime_limit",
            f"is {zapp.runtime_limit} seconds: your quota is at most {limit} seconds",
        )


def _compared(held: Amount, quota: Quota) -> Iterator[tuple[str, str]]:
    """What is needed and what is allowed, in words, where it is too much."""
    if quota.memory is not None and held.memory > quota.memory:
        yield describe_memory(held.memory) + " of memory", describe_memory(quota.memory)
    if quota.millicores is not None and held.millicores > quota.millicores:
        yield _cores(held.millicores), _cores(quota.millicores)
    if quota.gpus is not None and held.gpus > quota.gpus:
        yield _plural(held.gpus, "GPU"), _plural(quota.gpus, "GPU")


def _cores(millicores: int) -> str:
    return _plural(Amount(0, millicores).cores, "core")


def _plural(value: float, noun: str) -> str:
    shown = str(value).removesuffix(".0")
    return f"{shown} {noun}" if value == 1 else f"{shown} {noun}s"
