"""Users with what they hold now against what they may hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from zoe_core.protocol.rest_admin import QuotaLimits, UserUse
from zoe_hub.portal.presenters.admin import Bar, bar
from zoe_hub.portal.presenters.times import Moment, moment

SHOWN = 100
"""Users on the page; the others are found by their names."""


@dataclass(frozen=True, slots=True)
class Row:
    """One user; ``last`` is her last submission, None for somebody who never launched."""

    name: str
    groups: tuple[str, ...]
    last: Moment | None
    waiting: int
    bars: tuple[Bar, ...]
    own_quota: bool
    executions_url: str
    quota_url: str


def rows(users: Iterable[UserUse], prefix: str, now: datetime) -> list[Row]:
    """The rows: who holds most of her quota, or of anything, first."""
    return [_row(each, prefix, now) for each in sorted(users, key=_order)]


def matching(users: Sequence[UserUse], text: str) -> list[UserUse]:
    """Those whose name, or a group of whom, has ``text`` in it, in whatever case."""
    wanted = text.casefold()
    return [
        each
        for each in users
        if wanted in each.name.casefold()
        or any(wanted in group.casefold() for group in each.groups)
    ]


def _order(user: UserUse) -> tuple[float, int, int, str]:
    shares = (each.share or 0.0 for each in _bars(user))
    return -max(shares, default=0.0), -user.up, -user.waiting, user.name


def _row(user: UserUse, prefix: str, now: datetime) -> Row:
    who = urlencode({"user": user.name})
    quota = urlencode({"kind": "user", "name": user.name})
    last = user.last_submitted_at
    return Row(
        name=user.name,
        groups=user.groups,
        last=None if last is None else moment(last, now),
        waiting=user.waiting,
        bars=tuple(_bars(user)),
        own_quota=user.own_quota,
        executions_url=f"{prefix}admin/executions?{who}",
        quota_url=f"{prefix}admin/quota?{quota}",
    )


def _bars(user: UserUse) -> Iterable[Bar]:
    quota: QuotaLimits = user.quota
    yield bar("Executions", user.up, quota.executions)
    yield bar("Memory", user.held.memory, quota.memory, memory=True)
    yield bar("Cores", user.held.cores, quota.cores)
    if user.held.gpus or quota.gpus:
        yield bar("GPUs", user.held.gpus, quota.gpus)
