"""The attempts at each instance: which is the newest, which have failed, may there be another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from zoe_core.cluster import Desired, InstanceView, Observed
from zoe_core.zapp import Service, ZApp

Key = tuple[str, int]
"""An instance within its execution, whatever the attempt: the DNS label of its service, its index.
"""


def by_instance(instances: Iterable[InstanceView]) -> dict[Key, list[InstanceView]]:
    """All attempts at each instance of an execution, oldest first; instances by name."""
    grouped: dict[Key, list[InstanceView]] = {}
    for each in instances:
        grouped.setdefault((each.id.service, each.id.index), []).append(each)
    for attempts in grouped.values():
        attempts.sort(key=lambda each: each.id.attempt)
    return {key: grouped[key] for key in sorted(grouped)}


def current(instances: Iterable[InstanceView]) -> list[InstanceView]:
    """The newest attempt at each instance, without those that were taken back."""
    newest = (attempts[-1] for attempts in by_instance(instances).values())
    return [each for each in newest if each.desired is Desired.PRESENT]


def vanished(instance: InstanceView) -> bool:
    """Whether it disappeared although it was wanted; not so when it could not even be started."""
    wanted = instance.desired is Desired.PRESENT
    return wanted and instance.observed is Observed.LOST and instance.started_at is not None


def failed(instance: InstanceView) -> bool:
    """Whether it vanished, or ended with an exit code other than 0, although it was wanted."""
    if instance.observed is Observed.EXITED and instance.desired is Desired.PRESENT:
        return instance.exit_code != 0
    return vanished(instance)


def may_restart(service: Service, attempts: Sequence[InstanceView]) -> bool:
    """Whether the newest of these attempts at one instance failed and gets a successor.

    The service's ``restart.count`` bounds the failures within one start of the execution: what a
    gang that did not become whole left behind was taken back, and does not count.
    """
    if service.restart.policy == "never" or not failed(attempts[-1]):
        return False
    return sum(map(failed, attempts)) <= service.restart.count


def to_restart(zapp: ZApp, instances: Collection[InstanceView]) -> list[InstanceView]:
    """The newest attempts that failed and get a successor, essential and elastic ones alike."""
    if not any(map(failed, instances)):  # as a rule
        return []
    services = {service.dns_label: service for service in zapp.services}
    return [
        attempts[-1]
        for (service, _), attempts in by_instance(instances).items()
        if may_restart(services[service], attempts)
    ]
