"""The documents of the REST interface that only administrators exchange with the portal.

Units and rules are those of :mod:`zoe_core.protocol.rest`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator

from zoe_core import cluster
from zoe_core.amount import MILLICORES_PER_CORE, Amount, describe_memory
from zoe_core.cluster import NO_LIMIT
from zoe_core.documents import show
from zoe_core.protocol.rest import Answer, Moment, Request

QuotaKind = Literal["user", "group", "default"]

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
