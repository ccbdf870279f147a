"""What a user may hold at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits on what one user holds at a time; None: no limit.

    ``executions`` counts those that start or run; ``memory`` is in bytes, ``millicores`` in
    thousandths of a core, ``gpus`` in devices. ``runtime_limit`` is in seconds, for each execution,
    from its start. ``weight`` is the user's share where the policy gives shares: twice the weight,
    twice the share.
    """

    executions: int | None = None
    memory: int | None = None
    millicores: int | None = None
    gpus: int | None = None
    runtime_limit: int | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Quotas:
    """The quotas of a site, by the name of the user or group, and the one for all others.

    A group's quota is that of each of its members, not of all together.
    """

    users: Mapping[str, Quota] = field(default_factory=dict)
    groups: Mapping[str, Quota] = field(default_factory=dict)
    default: Quota = Quota()

    def of(self, user: str, groups: Iterable[str]) -> Quota:
        """The most generous of the user's own and her groups' quotas, limit by limit."""
        found = [self.users[user]] if user in self.users else []
        found += [self.groups[each] for each in groups if each in self.groups]
        return _most_generous(found) if found else self.default


def _most_generous(quotas: list[Quota]) -> Quota:
    generous: dict[str, Any] = {}
    for each in fields(Quota):
        values = [getattr(quota, each.name) for quota in quotas]
        generous[each.name] = None if None in values else max(values)
    return Quota(**generous)
