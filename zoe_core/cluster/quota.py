"""What a user may hold at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Final

NO_LIMIT: Final = 2**63 - 1
"""In a quota: this is not limited, whatever other quotas say. No number in a quota is larger."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits on what one user holds at a time; None: this quota says nothing about it.

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
    weight: float | None = None

    def runtime_limit_beside(self, own: int | None) -> int | None:
        """Seconds that an execution with a limit of its ``own`` may run: the smaller counts."""
        return min((each for each in (own, self.runtime_limit) if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class Quotas:
    """The quotas of a site, by the name of the user or group, and the default one.

    A group's quota is that of each of its members, not of all together.
    """

    users: Mapping[str, Quota] = field(default_factory=dict)
    groups: Mapping[str, Quota] = field(default_factory=dict)
    default: Quota = Quota()

    def of(self, user: str, groups: Iterable[str]) -> Quota:
        """What counts for a user, each limit for itself; in the answer None is no limit.

        The most generous of what her own quota and her groups' say; what none of them says is as
        the default has it. Where that says nothing either there is no limit, and the weight is 1.
        """
        own = (self.users.get(user), *map(self.groups.get, groups))
        return _counting(tuple(each for each in own if each is not None), self.default)


@lru_cache(maxsize=1024)
def _counting(own: tuple[Quota, ...], default: Quota) -> Quota:
    counting: dict[str, Any] = {}
    for each in fields(Quota):
        said = [getattr(quota, each.name) for quota in own]
        given = [limit for limit in said if limit is not None]
        most = max(given, default=getattr(default, each.name))
        counting[each.name] = None if most == NO_LIMIT else most
    counting["weight"] = counting["weight"] or 1.0
    return Quota(**counting)
