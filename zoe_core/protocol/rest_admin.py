"""The documents of the REST interface that only administrators exchange with the portal.

Units and rules are those of :mod:`zoe_core.protocol.rest`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator

from zoe_core import cluster
from zoe_core.amount import MILLICORES_PER_CORE, Amount, describe_memory
from zoe_core.cluster import NO_LIMIT
from zoe_core.documents import show
from zoe_core.intervals import Interval
from zoe_core.protocol.rest import Answer, Moment, Request, Resources

QuotaKind = Literal["user", "group", "default"]
AuditOutcome = Literal["done", "refused", "failed", "unknown"]
"""``unknown``: a part of Zoe went away meanwhile, so it may or may not have been done."""

UsageGroup = Literal["user", "group", "zapp", "day"]
"""By what usage is added up."""

SeriesGroup = Literal["user", "group", "zapp"]
"""By what usage over time is added up."""

Unlimited = Literal["unlimited"]
UNLIMITED: Final = "unlimited"

MOST = 2**31 - 1
"""The largest count that is stored, of executions, thousandths of a core, devices and seconds."""
MOST_BYTES = NO_LIMIT - 1

_EXAMPLE = 8 * 2**30


def _limit(value: object, check: ValidatorFunctionWrapHandler) -> object:
    if value == UNLIMITED:
        return NO_LIMIT
    if isinstance(value, str):
        raise ValueError(f"is {show(value)}: must be a number, or '{UNLIMITED}'")
    return check(value)


def _bytes(value: object, check: ValidatorFunctionWrapHandler) -> object:
    if value != UNLIMITED and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(
            f"is {show(value)}: must be a number of bytes, such as {_EXAMPLE} for "
            f"{describe_memory(_EXAMPLE)}, or '{UNLIMITED}'"
        )
    return _limit(value, check)


_Count = Annotated[int, Field(strict=True, ge=0, le=MOST)]
_Bytes = Annotated[int, Field(ge=0, le=MOST_BYTES)]
_Cores = Annotated[float, Field(strict=True, ge=0, le=MOST / MILLICORES_PER_CORE)]
_Seconds = Annotated[int, Field(strict=True, ge=1, le=MOST)]

# Either a number or "unlimited"; read as a number, of which NO_LIMIT is one.
Count = Annotated[_Count, WrapValidator(_limit, json_schema_input_type=_Count | Unlimited)]
Bytes = Annotated[_Bytes, WrapValidator(_bytes, json_schema_input_type=_Bytes | Unlimited)]
Cores = Annotated[_Cores, WrapValidator(_limit, json_schema_input_type=_Cores | Unlimited)]
Seconds = Annotated[_Seconds, WrapValidator(_limit, json_schema_input_type=_Seconds | Unlimited)]


class QuotaLimits(Request):
    """What one user may hold at a time.

    Null, or left out: this quota says nothing about it, and the next less specific one counts.
    ``"unlimited"``: it is not limited, whatever those say. ``executions`` counts those that start
    or run, ``memory`` is in bytes. ``runtime_limit`` is in seconds, for each execution, from its
    start. ``weight`` is her share where shares are given: twice the weight, twice the share.
    """

    executions: Count | None = None
    memory: Bytes | None = None
    cores: Cores | None = None
    gpus: Count | None = None
    runtime_limit: Seconds | None = None
    weight: float | None = Field(default=None, strict=True, gt=0, le=1_000_000)

    def quota(self) -> cluster.Quota:
        """The same as the scheduler counts it."""
        return cluster.Quota(
            executions=self.executions,
            memory=self.memory,
            millicores=_millicores(self.cores),
            gpus=self.gpus,
            runtime_limit=self.runtime_limit,
            weight=self.weight,
        )


def _millicores(cores: float | None) -> int | None:
    if cores is None:
        return None
    return NO_LIMIT if cores == NO_LIMIT else Amount.of(0, cores).millicores


def _shown(limit: int | None) -> int | Unlimited | None:
    return UNLIMITED if limit == NO_LIMIT else limit


class Quota(Answer):
    """The quota of a user, of each member of a group, or of everybody (``default``).

    A user's limits are the most generous of her own and her groups', one by one; what these leave
    null is as the default has it, and without a limit when that is null too. ``changed_by`` is who
    set it last.
    """

    kind: QuotaKind
    name: str
    executions: int | Unlimited | None
    memory: int | Unlimited | None
    cores: float | Unlimited | None
    gpus: int | Unlimited | None
    runtime_limit: int | Unlimited | None
    weight: float | None
    changed_at: Moment
    changed_by: str

    @classmethod
    def of(
        cls, kind: QuotaKind, name: str, quota: cluster.Quota, changed_at: datetime, changed_by: str
    ) -> Quota:
        """The document of a quota, which ``changed_by`` set."""
        cores = _shown(quota.millicores)
        return cls(
            kind=kind,
            name=name,
            executions=_shown(quota.executions),
            memory=_shown(quota.memory),
            cores=Amount(0, cores).cores if isinstance(cores, int) else cores,
            gpus=_shown(quota.gpus),
            runtime_limit=_shown(quota.runtime_limit),
            weight=quota.weight,
            changed_at=changed_at,
            changed_by=changed_by,
        )


class Quotas(Answer):
    """All quotas: the default first, then those of groups and of users, by name."""

    items: tuple[Quota, ...]
    next: str | None = None


class NodeChange(Request):
    """What an administrator wishes of a node. ``draining``: let nothing new start there."""

    draining: bool = Field(strict=True)


class Drain(Answer):
    """A node that ``by_user`` wants nothing new to start on, since ``at``.

    ``known`` is false when there is no such node now: it may come back, or never was.
    """

    node: str
    known: bool
    by_user: str
    at: Moment


class Drains(Answer):
    """The nodes that administrators drain, by name."""

    items: tuple[Drain, ...]
    next: str | None = None


class Finding(Answer):
    """Something that an administrator should know of, on ``node``, or everywhere (null).

    ``what`` names it, ``why`` says in sentences why it is told, ``remedy`` is what to type or to
    do, null when there is nothing to be done. ``serious``: all is well only without it.
    """

    what: str
    node: str | None
    why: str
    serious: bool
    since: Moment | None = None
    remedy: str | None = None


class Findings(Answer):
    """What was found, the serious first, and in sentences what was looked at and is well."""

    well: tuple[str, ...]
    items: tuple[Finding, ...]
    next: str | None = None


class Stranger(Answer):
    """An instance of this deployment that nothing explains; ``why`` is a sentence."""

    execution_id: int
    instance: str
    attempt: int
    node: str
    observed: str
    why: str
    first_seen_at: Moment


class Strangers(Answer):
    """What the scheduler found on the back-end and leaves alone, because nothing explains it."""

    items: tuple[Stranger, ...]
    next: str | None = None


class UsageRow(Answer):
    """What one user, group, ZApp or day used, which ``key`` names.

    Core-hours are cores that were reserved, times the hours for which they were held, whether they
    were busy or not; so are memory (in units of 2**30 bytes) and GPUs. ``executions`` counts those
    that ended in the period, ``failed`` those of them that ended in error. ``mean_wait_s`` is how
    many seconds those that ran had waited on average, from submission to running; null when none
    of them ran.
    """

    key: str
    executions: int
    failed: int
    core_hours: float
    memory_gb_hours: float
    gpu_hours: float
    mean_wait_s: float | None


class UsageReport(Answer):
    """What was used from ``since`` until before ``until``, by user, group, ZApp or day.

    An execution of a user in two groups counts for both, so the rows of groups may add up to more
    than there was.
    """

    items: tuple[UsageRow, ...]
    next: str | None = None
    since: Moment
    until: Moment
    group_by: UsageGroup


class UsagePoint(UsageRow):
    """A row of usage in the interval that begins at ``start``; units as in ``UsageRow``.

    ``rest``: the sum of all keys that have no row of their own; ``key`` is empty then.
    """

    start: Moment
    rest: bool = False


class UsageSeries(Answer):
    """What was used from ``since`` until before ``until``, over time, by user, group or ZApp.

    ``items`` has, interval by interval, those keys that used most in the whole period, in the same
    order everywhere, and then the rest; those that used nothing in an interval are left out of it.
    ``starts`` are the beginnings of all intervals (of UTC; weeks begin on Mondays). The first may
    be before ``since``: of it only what is in the period counts.
    """

    items: tuple[UsagePoint, ...]
    next: str | None = None
    since: Moment
    until: Moment
    group_by: SeriesGroup
    interval: Interval
    starts: tuple[Moment, ...]


class UserUse(Answer):
    """What a user holds now, and her quota.

    ``groups`` are those of her last submission, at ``last_submitted_at``; null for somebody who has
    a quota and never launched. ``held`` is reserved by her instances, ``up`` counts executions that
    start or run (what a quota counts), ``waiting`` those in the queue. ``quota`` has what counts
    for her, of her own quota, those of her groups and the default; null there is no limit.
    """

    name: str
    groups: tuple[str, ...] = ()
    last_submitted_at: Moment | None = None
    up: int = 0
    waiting: int = 0
    held: Resources
    own_quota: bool = False
    quota: QuotaLimits


class Users(Answer):
    """All who launched something that is still known or have a quota, by name."""

    items: tuple[UserUse, ...]
    next: str | None = None


class AuditEntry(Answer):
    """Something that somebody did, or wanted to.

    ``action`` is the id of an operation of this interface, or ``startServer`` for who had the Hub
    start a server. ``target`` is what it was about, such as ``executions/42``. ``detail`` has what
    was asked for, and of what did not happen ``why``.
    """

    id: int
    at: Moment
    actor: str
    actor_kind: str
    action: str
    target: str
    outcome: AuditOutcome
    detail: dict[str, Any] = Field(default_factory=dict)


class AuditLog(Answer):
    """One page, newest first; ``next`` is the cursor of the page that follows, or null."""

    items: tuple[AuditEntry, ...]
    next: str | None = None
